import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emolens.core.errors import InputError
from emolens.explanation import ActivationExplainer
from emolens.explanation.placement import even_centers, resize_maps, strided_centers
from tests.unit.explanation.models import SIZE_PX, brightness_model

cells = hnp.arrays(
    np.float32,
    st.integers(1, 9).map(lambda n: (n, n)),
    elements=st.floats(-100, 100, width=32),
)


def test_even_centres_are_the_middles_of_equal_parts() -> None:
    assert even_centers(4) == (0.125, 0.375, 0.625, 0.875)
    assert even_centers(1) == (0.5,)


@pytest.mark.parametrize(
    ("n_cells", "size_px", "centers_px"),
    [
        (3, 48, (0.5, 16.5, 32.5)),
        (2, 48, (0.5, 32.5)),
        (3, 40, (0.5, 16.5, 32.5)),
        (48, 48, tuple(index + 0.5 for index in range(48))),
        (7, 224, tuple(32 * index + 0.5 for index in range(7))),
        (5, 48, (4.8, 14.4, 24.0, 33.6, 43.2)),
    ],
)
def test_strided_centres_are_the_pixels_that_convolutions_look_at(
    n_cells: int, size_px: int, centers_px: tuple[float, ...]
) -> None:
    centers = strided_centers(n_cells, size_px)
    np.testing.assert_allclose(np.array(centers) * size_px, centers_px)


@pytest.mark.parametrize("is_strided", [True, False])
@pytest.mark.parametrize("n_cells", [3, 6])
def test_a_model_tells_where_its_cells_lie(is_strided: bool, n_cells: int) -> None:
    explainer = ActivationExplainer(brightness_model(n_cells=n_cells, is_strided=is_strided))
    expected = strided_centers(n_cells, SIZE_PX) if is_strided else even_centers(n_cells)
    assert explainer.centers == expected


def test_centres_can_be_named() -> None:
    model = brightness_model(n_cells=3)
    assert ActivationExplainer(model, centers=(0.2, 0.5, 0.8)).centers == (0.2, 0.5, 0.8)


@pytest.mark.parametrize("name", ["everyday", "labels"])
def test_models_of_several_kinds_of_networks_have_equal_cells(name: str) -> None:
    assert ActivationExplainer.load(name).centers == even_centers(6)


def test_a_model_of_one_strided_network_has_its_cells() -> None:
    explainer = ActivationExplainer.load("labels-small")
    assert explainer.centers == strided_centers(3, explainer.input_spec.size_px)


@given(cells, st.integers(1, 40))
def test_resized_maps_stay_between_the_extremes_and_zero(
    of_class: npt.NDArray[np.float32], size_px: int
) -> None:
    resized = resize_maps(of_class, even_centers(len(of_class)), size_px)
    assert resized.shape == (size_px, size_px)
    assert resized.min() >= min(of_class.min(), 0) - 1e-3
    assert resized.max() <= max(of_class.max(), 0) + 1e-3


@given(cells, st.integers(1, 40))
def test_a_mirrored_map_resizes_to_the_mirrored_image(
    of_class: npt.NDArray[np.float32], size_px: int
) -> None:
    centers = even_centers(len(of_class))
    mirrored = resize_maps(of_class[:, ::-1], centers, size_px)
    expected = resize_maps(of_class, centers, size_px)[:, ::-1]
    np.testing.assert_allclose(mirrored, expected, atol=1e-3)


@pytest.mark.parametrize("cell", [(0, 0), (1, 2), (2, 1)])
def test_a_cell_shows_at_its_centre(cell: tuple[int, int]) -> None:
    maps = np.zeros((3, 3), np.float32)
    maps[cell] = 1
    resized = resize_maps(maps, strided_centers(3, 48), 48)
    assert np.unravel_index(resized.argmax(), resized.shape) == tuple(16 * i for i in cell)


def test_a_map_fades_beyond_its_outermost_cells() -> None:
    resized = resize_maps(np.ones((3, 3), np.float32), strided_centers(3, 48), 48)
    assert resized[16, 16] == pytest.approx(1, abs=0.01)
    assert resized[16, 47] < 0.3


def test_maps_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(\.\.\., 2, 2\)"):
        resize_maps(np.zeros((3, 3), np.float32), (0.25, 0.75), 8)
    with pytest.raises(InputError, match="size_px must be at least 1"):
        resize_maps(np.zeros((2, 2), np.float32), (0.25, 0.75), 0)
