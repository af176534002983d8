import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emolens.core.errors import InputError
from emolens.explanation.places import evidence_places

heats = hnp.arrays(
    np.float32,
    st.integers(3, 12).map(lambda n: (n, n)),
    elements=st.floats(0, 1, width=32),
)


@given(heats)
def test_shares_add_up_to_one_and_fall(heat: npt.NDArray[np.float32]) -> None:
    places = evidence_places(heat)
    if not heat.any():
        assert places == []
        return
    shares = [place.share for place in places]
    assert len({place.name for place in places}) == 9
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    ("y", "x", "name"),
    [(0, 0, "upper left"), (0, 8, "upper right"), (4, 4, "centre"), (8, 3, "lower centre")],
)
def test_a_place_is_named_as_one_sees_the_image(y: int, x: int, name: str) -> None:
    heat = np.zeros((9, 9), np.float32)
    heat[y, x] = 0.5
    first, *others = evidence_places(heat)
    assert (first.name, first.share) == (name, 1)
    assert all(place.share == 0 for place in others)


@pytest.mark.parametrize("shape", [(2, 2), (9, 8), (9,)])
def test_maps_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="square"):
        evidence_places(np.zeros(shape, np.float32))
