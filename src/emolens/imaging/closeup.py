"""A quick look at a part of an image: grey, small, turned upright."""

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.imaging.preprocess import to_gray

# Pixels of the image per pixel of the close-up, beyond which linear interpolation would pass pixels
# over; what is larger is averaged down to it first.
_MAX_STEP: Final = 1.5


def cut_closeup(
    image: npt.NDArray[np.uint8], square: Box, size_px: int, *, turn_degrees: float = 0.0
) -> npt.NDArray[np.uint8]:
    """Cut a square out of an image, grey and at a small size, in a tenth of a millisecond.

    `emolens.imaging.crop.crop_square` and `emolens.imaging.turn.crop_turned` give each pixel the
    exact mean of the area that it covers; here large areas are averaged roughly. Only the pixels
    around the square are touched, however large the image is.

    Args:
        image: uint8 (H, W, 3) BGR or (H, W) grey.
        square: The square before it is turned, in pixels; it may lie partly or wholly outside the
            image. What lies outside repeats the image's border.
        size_px: Side of the result.
        turn_degrees: How far the square is turned clockwise about its centre.

    Returns:
        uint8 (size_px, size_px), grey.

    Raises:
        InputError: The square is empty, `size_px` is below 1, or it is no such image.
    """
    if square.width <= 0 or size_px < 1:
        raise InputError(
            f"a close-up needs a square and a size above 0, got {square.width} px and {size_px}"
        )
    angle = math.radians(turn_degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    reach = square.width * (abs(cosine) + abs(sine)) / 2
    x, y = square.center_xy
    left, right = _touched(x, reach, image.shape[1])
    top, bottom = _touched(y, reach, image.shape[0])
    step = square.width / size_px
    part, scale_xy = _shrink(image[top:bottom, left:right], step / _MAX_STEP)
    # From pixel centres of the close-up to pixel centres of the part.
    matrix = step * np.array([[cosine, -sine], [sine, cosine]])
    middle = (size_px - 1) / 2
    start = np.array([x - left, y - top]) - matrix @ np.array([middle, middle])
    scale = np.array(scale_xy)[:, None]
    matrix, start = scale * matrix, scale[:, 0] * start - 0.5
    closeup = cv2.warpAffine(
        to_gray(part),
        np.column_stack([matrix, start]),
        (size_px, size_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(closeup, np.uint8)


def _touched(center: float, reach: float, n_in: int) -> tuple[int, int]:
    """First and end of the pixels around a centre, with two neighbours each; never empty."""
    first = min(max(math.floor(center - reach) - 2, 0), n_in - 1)
    return first, min(max(math.ceil(center + reach) + 2, first + 1), n_in)


def _shrink(
    part: npt.NDArray[np.uint8], factor: float
) -> tuple[npt.NDArray[np.uint8], tuple[float, float]]:
    """A part so many times smaller, and the scale along x and y that this is."""
    if factor <= 1:
        return part, (1.0, 1.0)
    height, width = part.shape[:2]
    small_w, small_h = max(round(width / factor), 1), max(round(height / factor), 1)
    small = cv2.resize(part, (small_w, small_h), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), (small_w / width, small_h / height)
