import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.imaging.closeup import cut_closeup
from emolens.imaging.preprocess import to_gray
from emolens.imaging.turn import crop_turned

Pixels = npt.NDArray[np.uint8]


@pytest.mark.parametrize("side", [40, 64, 90, 150, 400])
@pytest.mark.parametrize("degrees", [0, 20, 90, -135, 180])
def test_it_shows_what_the_exact_crop_shows(astronaut: Pixels, side: int, degrees: int) -> None:
    square = Box.from_center((220.3, 130.7), side)
    exact = crop_turned(to_gray(astronaut), square, 64, roll_degrees=degrees)
    quick = cut_closeup(astronaut, square, 64, turn_degrees=degrees)
    assert quick.shape == (64, 64)
    difference = np.abs(quick.astype(float) - exact)
    assert difference.mean() < 4
    # No shift: half a pixel to any side is worse.
    for dx, dy in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)):
        step = side / 64
        moved = Box.from_center((220.3 + dx * step, 130.7 + dy * step), side)
        other = crop_turned(to_gray(astronaut), moved, 64, roll_degrees=degrees)
        assert np.abs(quick.astype(float) - other).mean() > difference.mean()


@pytest.mark.parametrize("center", [(-50, 30), (600, 600), (256, -400), (0, 0), (512, 512)])
def test_what_lies_outside_repeats_the_border(
    astronaut: Pixels, center: tuple[float, float]
) -> None:
    square = Box.from_center(center, 100)
    exact = crop_turned(to_gray(astronaut), square, 32, roll_degrees=0)
    quick = cut_closeup(astronaut, square, 32)
    assert np.abs(quick.astype(float) - exact).mean() < 7


def test_grey_images_and_tiny_ones() -> None:
    gray = np.full((1, 1), 77, np.uint8)
    assert (cut_closeup(gray, Box(0, 0, 1, 1), 16) == 77).all()
    strip = np.full((3, 500, 3), 90, np.uint8)
    assert (cut_closeup(strip, Box.from_center((250, 1), 200), 16, turn_degrees=30) == 90).all()


@pytest.mark.parametrize(("square", "size_px"), [(Box(5, 5, 5, 5), 16), (Box(0, 0, 5, 5), 0)])
def test_empty_squares_and_sizes_are_refused(square: Box, size_px: int) -> None:
    with pytest.raises(InputError, match="above 0"):
        cut_closeup(np.zeros((10, 10, 3), np.uint8), square, size_px)
