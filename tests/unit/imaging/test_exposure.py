import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.geometry import Box
from emolens.imaging.crop import crop_square
from emolens.imaging.exposure import (
    MAX_GRAIN,
    NARROW_LEVELS,
    Levels,
    crop_spread,
    face_levels,
    image_levels,
    light_warnings,
    measure_grain,
)

Pixels = npt.NDArray[np.uint8]


def ramp(low: int, high: int, side: int = 64) -> Pixels:
    """A grey square that goes evenly from one level to another."""
    row = np.linspace(low, high, side).round().astype(np.uint8)
    return np.tile(row, (side, 1))


def color(gray: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)


def test_wide_levels_are_left_alone() -> None:
    pixels = ramp(0, 255)
    assert Levels(0, NARROW_LEVELS).spread(pixels) is pixels
    assert Levels(90, 255).spread(pixels) is pixels


@pytest.mark.parametrize("span", [0, 1, 3])
def test_what_is_flat_is_left_alone(span: int) -> None:
    pixels = ramp(7, 7 + span)
    assert Levels(7, 7 + span).spread(pixels) is pixels


@pytest.mark.parametrize(("low", "high"), [(0, 4), (0, 15), (120, 135), (240, 255), (3, 66)])
def test_narrow_levels_are_spread_around_the_middle(low: int, high: int) -> None:
    pixels = ramp(low, high)
    spread = Levels(low, high).spread(pixels)
    assert (int(spread.min()), int(spread.max())) == (48, 208)
    assert (np.diff(spread.astype(int), axis=1) >= 0).all()
    assert (pixels == ramp(low, high)).all()


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 1), (6, 6, 3)])
def test_spreading_keeps_the_shape_and_clips_what_does_not_count(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 10, np.uint8)
    pixels[0], pixels[1] = 0, 255
    spread = Levels(8, 12).spread(pixels)
    assert spread.shape == shape
    assert spread.dtype == np.uint8
    assert (int(spread[0].max()), int(spread[1].min()), int(spread[2].min())) == (0, 255, 128)


def test_the_levels_of_a_face_are_those_of_its_middle() -> None:
    crop = ramp(0, 255, 48)
    crop[6:-6, 6:-6] = ramp(10, 20, 36)
    assert face_levels(crop) == Levels(10, 20)
    assert face_levels(np.full((1, 1), 9, np.uint8)) == Levels(9, 9)


@pytest.mark.parametrize("size_wh", [(40, 30), (640, 480), (3001, 37)])
def test_a_small_bright_face_counts_and_a_broken_pixel_does_not(size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    night = np.full((height, width, 3), 5, np.uint8)
    assert image_levels(night) == Levels(5, 5)
    night[: height // 8, : width // 8] = 200
    assert image_levels(night) == Levels(5, 200)


def test_a_broken_pixel_does_not_count() -> None:
    night = np.full((480, 640, 3), 5, np.uint8)
    night[::160, ::160] = 255
    assert image_levels(night) == Levels(5, 5)


def test_grain_tells_noise_from_faces(gray_faces: Pixels, rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (48, 48)).astype(np.uint8)
    assert measure_grain(noise) == pytest.approx(20, rel=0.1)
    assert measure_grain(noise // 32) == pytest.approx(20, rel=0.1)
    assert measure_grain(gray_faces[0]) < MAX_GRAIN
    assert measure_grain(np.zeros((48, 48), np.uint8)) == 0


def test_a_face_in_good_light_is_cut_as_ever(gray_faces: Pixels) -> None:
    square = Box(3.2, 1.1, 41.2, 39.1)
    crop, levels = crop_spread(gray_faces[0], square, 48)
    assert (crop == crop_square(gray_faces[0], square, 48)).all()
    assert not levels.is_narrow


def test_a_dark_face_keeps_the_fractions_of_its_levels(gray_faces: Pixels) -> None:
    large = np.asarray(cv2.resize(gray_faces[0], (480, 480)), np.uint8)
    square = Box(0, 0, 480, 480)
    crop, levels = crop_spread(large // 32, square, 48)
    assert levels.span < 8
    # More levels than the image has: averaged after they were spread.
    assert len(np.unique(crop)) > 3 * len(np.unique(large // 32))
    bright = crop_square(large, square, 48).astype(float)
    assert np.corrcoef(crop.ravel(), bright.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (ramp(0, 255), ""),
        (ramp(0, 15), "very dark: the brightest value is 15 of 255"),
        (ramp(0, 0), "very dark: the brightest value is 0 of 255"),
        (ramp(120, 135), "very low contrast: the values range from 120 to 135"),
        (ramp(240, 255), "very low contrast: the values range from 240 to 255"),
    ],
)
def test_warnings_about_light(image: Pixels, expected: str) -> None:
    warnings = light_warnings(color(image), has_faces=True)
    assert len(warnings) == bool(expected)
    assert "".join(warnings).startswith(expected)


def test_a_black_background_is_worth_a_warning_only_without_faces() -> None:
    night = color(ramp(0, 10))
    night[:10] = 255
    assert light_warnings(night, has_faces=True) == ()
    (note,) = light_warnings(night, has_faces=False)
    assert note.startswith("very dark: half of the values")
