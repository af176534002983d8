"""Cut a tilted square out of an image, so that a rolled face stands upright."""

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.geometry import Box
from emolens.imaging.crop import crop_square

# The square is turned at twice its final size: interpolating once at the final size would blur it.
_OVERSAMPLING = 2

# Models know faces that are rolled a little; turning those gains nothing.
# Source: docs/experiments/0016-roll.md.
MAX_UPRIGHT_DEGREES: Final = 20.0


def turn_for(roll_degrees: float | None) -> float:
    """How far to turn the crop of a face, in degrees: its roll, or 0 where it is about upright.

    Args:
        roll_degrees: Roll of the face, clockwise, or None where it is not known.
    """
    if roll_degrees is None or abs(roll_degrees) <= MAX_UPRIGHT_DEGREES:
        return 0.0
    return roll_degrees


def crop_turned(
    image: npt.NDArray[np.uint8], square: Box, size_px: int, *, roll_degrees: float
) -> npt.NDArray[np.uint8]:
    """Cut out a square that is turned about its centre, and bring it to a size.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        square: The square before it is turned, in pixels; it may lie partly outside the image.
            What lies outside repeats the image's border.
        size_px: Side of the result.
        roll_degrees: How far the square is turned clockwise, in degrees. A face that is rolled by
            the same angle stands upright in the result; 0 gives `crop_square`.

    Returns:
        uint8 (size_px, size_px) or (size_px, size_px, 3), C-contiguous.

    Raises:
        InputError: As for `crop_square`.
    """
    if roll_degrees == 0:
        return crop_square(image, square, size_px)
    angle = math.radians(roll_degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    # The upright square that holds the turned one.
    reach = abs(cosine) + abs(sine)
    large_px = _OVERSAMPLING * size_px
    # Less rounding, so that a quarter turn moves pixels and mixes none.
    around_px = math.ceil(reach * large_px - 1e-6)
    around = Box.from_center(square.center_xy, reach * square.width)
    upright = crop_square(image, around, around_px)
    # From pixel centres of the result to pixel centres of the upright square.
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
    """Turn a map of a turned crop back, to lie on the image as the face does.

    Args:
        heat: float32 (S, S), 0..1.
        turn_degrees: How far the crop was turned, clockwise.

    Returns:
        float32 (S, S): the map turned clockwise about its centre; 0 where it does not reach.
    """
    if turn_degrees == 0:
        return heat
    side = heat.shape[0]
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), -turn_degrees, 1.0)
    return np.asarray(cv2.warpAffine(heat, matrix, (side, side)), np.float32)
