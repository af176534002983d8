import numpy as np
import numpy.typing as npt
import pytest

from emolens.training.compact_weights import as_bytes, rounded_to_bytes


@pytest.fixture
def filters() -> npt.NDArray[np.float32]:
    """Filters of very different sizes, one of them all zeros."""
    rng = np.random.default_rng(0)
    filters = rng.normal(size=(32, 5, 3, 3)) * rng.lognormal(0, 3, (32, 1, 1, 1))
    filters[3] = 0
    return filters.astype(np.float32)


def test_rounded_filters_are_bytes_times_steps(filters: npt.NDArray[np.float32]) -> None:
    rounded = rounded_to_bytes(filters)
    found = as_bytes(rounded)
    assert found is not None
    whole, steps = found
    assert whole.dtype == np.int8
    assert steps.shape == (32, 1, 1, 1)
    np.testing.assert_array_equal(whole.astype(np.float32) * steps, rounded)
    # By half a step, and a little more where the step itself was rounded.
    assert (np.abs(rounded - filters) <= 0.52 * steps).all()


def test_rounding_twice_changes_nothing(filters: npt.NDArray[np.float32]) -> None:
    rounded = rounded_to_bytes(filters)
    np.testing.assert_array_equal(rounded_to_bytes(rounded), rounded)


def test_other_arrays_are_not_bytes(filters: npt.NDArray[np.float32]) -> None:
    assert as_bytes(filters) is None
    assert as_bytes(np.ones((7, 16), np.float32)) is None


def test_mirrored_filters_stay_mirrored(filters: npt.NDArray[np.float32]) -> None:
    both = np.concatenate([filters, filters[..., ::-1]])
    rounded = rounded_to_bytes(both)
    np.testing.assert_array_equal(rounded[32:], rounded[:32, ..., ::-1])
