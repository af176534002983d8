import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.imaging.crop import crop_square
from emolens.imaging.turn import MAX_UPRIGHT_DEGREES, crop_turned, turn_for, turn_heat
from tests.turned import turned

Pixels = npt.NDArray[np.uint8]


def test_no_turn_is_the_plain_crop(astronaut: Pixels) -> None:
    square = Box.from_center((220.3, 110.7), 181.5)
    np.testing.assert_array_equal(
        crop_turned(astronaut, square, 48, roll_degrees=0.0), crop_square(astronaut, square, 48)
    )


@pytest.mark.parametrize(("n_quarters", "degrees"), [(1, -90.0), (2, 180.0), (3, 90.0)])
@pytest.mark.parametrize("size_px", [48, 300])
def test_quarter_turns_lose_nothing(
    astronaut: Pixels, n_quarters: int, degrees: float, size_px: int
) -> None:
    square = Box.from_center((220.0, 110.0), 180.0)
    x, y = square.center_xy
    for _ in range(n_quarters):
        x, y = y, 512 - x
    on_its_side = np.ascontiguousarray(np.rot90(astronaut, n_quarters))
    cut = crop_turned(on_its_side, Box.from_center((x, y), 180.0), size_px, roll_degrees=degrees)
    expected = crop_square(astronaut, square, size_px)
    difference = np.abs(cut.astype(int) - expected)
    # Where the crop is larger than the square, interpolating twice softens edges a little.
    assert difference.mean() < (0.3 if size_px == 48 else 1.5)


@pytest.mark.parametrize("degrees", [-163.0, -120.0, -45.0, 30.0, 75.0, 100.0])
def test_a_rolled_face_stands_upright(astronaut: Pixels, degrees: float) -> None:
    square = Box.from_center((256.0, 256.0), 200.0)
    rolled = turned(astronaut, degrees)
    center = (rolled.shape[1] / 2, rolled.shape[0] / 2)
    cut = crop_turned(rolled, Box.from_center(center, 200.0), 48, roll_degrees=degrees)
    expected = crop_square(astronaut, square, 48)
    assert np.abs(cut.astype(int) - expected).mean() < 4
    # The other way round it would be another image altogether.
    wrong = crop_turned(rolled, Box.from_center(center, 200.0), 48, roll_degrees=-degrees)
    assert np.abs(wrong.astype(int) - expected).mean() > 20


def test_what_lies_outside_repeats_the_border() -> None:
    gray = np.full((40, 40), 77, np.uint8)
    cut = crop_turned(gray, Box.from_center((0, 0), 60), 24, roll_degrees=37.0)
    assert cut.shape == (24, 24)
    assert (cut == 77).all()


def test_impossible_squares_are_refused() -> None:
    with pytest.raises(InputError, match="square"):
        crop_turned(np.zeros((9, 9), np.uint8), Box(1, 1, 1, 1), 48, roll_degrees=30.0)


def test_faces_that_are_about_upright_stay_as_they_are() -> None:
    assert turn_for(None) == 0
    assert turn_for(MAX_UPRIGHT_DEGREES) == 0
    assert turn_for(-MAX_UPRIGHT_DEGREES - 1) == -MAX_UPRIGHT_DEGREES - 1
    assert turn_for(180) == 180


def test_a_map_is_turned_back_onto_the_face() -> None:
    heat = np.zeros((41, 41), np.float32)
    heat[2:6, 18:23] = 1  # at the forehead
    assert turn_heat(heat, 0.0) is heat
    on_the_right = turn_heat(heat, 90.0)
    assert on_the_right[18:23, 35:39].min() > 0.9
    assert on_the_right.sum() == pytest.approx(heat.sum(), rel=0.01)
    assert cv2.minMaxLoc(turn_heat(heat, 180.0))[3][1] > 30
