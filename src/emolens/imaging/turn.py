"""Rotated square crops, in which a rolled face is upright."""

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.geometry import Box
from emolens.imaging.crop import crop_square

# The square is rotated at twice its final size, because interpolation at the final size would blur.
_OVERSAMPLING = 2

# Models handle faces that are rolled a little; rotating those improves nothing.
# Source: docs/experiments/0016-roll.md.
MAX_UPRIGHT_DEGREES: Final = 20.0


def turn_for(roll_degrees: float | None) -> float:
    """Return the rotation for the crop of a face: its roll, or 0 if it is nearly upright.

    Args:
        roll_degrees: Roll of the face in degrees, clockwise, or None if it is unknown.
    """
    if roll_degrees is None or abs(roll_degrees) <= MAX_UPRIGHT_DEGREES:
        return 0.0
    return roll_degrees


def crop_turned(
    image: npt.NDArray[np.uint8], square: Box, size_px: int, *, roll_degrees: float
) -> npt.NDArray[np.uint8]:
    """Crop a square that is rotated about its centre, and resize it.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        square: The square before rotation, in pixels; it may lie partly outside the image. Pixels
            outside the image repeat its border.
        size_px: Side of the result.
        roll_degrees: Clockwise rotation of the square in degrees. A face with the same roll is
            upright in the result; 0 equals `crop_square`.

    Returns:
        uint8 (size_px, size_px) or (size_px, size_px, 3), C-contiguous.

    Raises:
        InputError: As for `crop_square`.
    """
    if roll_degrees == 0:
        return crop_square(image, square, size_px)
    angle = math.radians(roll_degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    # The upright square that contains the rotated one.
    reach = abs(cosine) + abs(sine)
    large_px = _OVERSAMPLING * size_px
    # Remove rounding errors, so that a quarter turn moves pixels without mixing them.
    around_px = math.ceil(reach * large_px - 1e-6)
    around = Box.from_center(square.center_xy, reach * square.width)
    upright = crop_square(image, around, around_px)
    # Maps pixel centres of the result to pixel centres of the upright square.
    scale = around_px / (reach * large_px)
    turn = scale * np.array([[cosine, -sine], [sine, cosine]])
    middle, around_middle = (large_px - 1) / 2, (around_px - 1) / 2
    shift = around_middle - turn @ np.array([middle, middle])
    turned = cv2.warpAffine(
        upright,
        np.column_stack([turn, shift]),
        (large_px, large_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    small = cv2.resize(turned, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small, np.uint8)


def turn_heat(heat: npt.NDArray[np.float32], turn_degrees: float) -> npt.NDArray[np.float32]:
    """Rotate a heat map of a rotated crop back into the orientation of the image.

    Args:
        heat: float32 (S, S), 0..1.
        turn_degrees: Clockwise rotation of the crop in degrees.

    Returns:
        float32 (S, S): the map, rotated clockwise about its centre; 0 outside of it.
    """
    if turn_degrees == 0:
        return heat
    side = heat.shape[0]
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), -turn_degrees, 1.0)
    return np.asarray(cv2.warpAffine(heat, matrix, (side, side)), np.float32)
