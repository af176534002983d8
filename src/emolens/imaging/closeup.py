"""A quick look at a part of an image: grey, small, turned upright."""

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.imaging.halve import halve
from emolens.imaging.preprocess import to_gray

# Pixels of the image per pixel of the close-up, beyond which linear interpolation would pass pixels
# over; what is larger is halved first.
_MAX_STEP: Final = 2.0


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
    n_halvings = max(math.ceil(math.log2(step / _MAX_STEP)), 0)
    part, scale = halve(to_gray(image[top:bottom, left:right]), n_halvings), 0.5**n_halvings
    # From pixel centres of the close-up to pixel centres of the part.
    matrix = step * np.array([[cosine, -sine], [sine, cosine]])
    middle = (size_px - 1) / 2
    start = np.array([x - left, y - top]) - matrix @ np.array([middle, middle])
    closeup = cv2.warpAffine(
        part,
        np.column_stack([scale * matrix, scale * start - 0.5]),
        (size_px, size_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(closeup, np.uint8)


def _touched(center: float, reach: float, n_in: int) -> tuple[int, int]:
    """First and end of the pixels around a centre, with two neighbours each; never empty."""
    first = min(max(math.floor(center - reach) - 2, 0), n_in - 1)
    return first, min(max(math.ceil(center + reach) + 2, first + 1), n_in)
