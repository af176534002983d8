"""Letterboxing: images of any size to a detector's fixed input sizes, and coordinates back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError, InputError
from emolens.imaging.exposure import image_levels
from emolens.imaging.halve import halve

# Both networks downscale five times by two, so sides must be multiples of 2**5.
STRIDE_PX = 32
# Common aspect ratios, landscape and portrait, so that little of an input is padding.
_ASPECTS = (16 / 9, 4 / 3, 1.0, 3 / 4, 9 / 16)
BASE_ASPECT = 4 / 3
# Below 128, the flattest input shape is too low for a face; above 4096, one pass takes seconds.
_LONG_SIDE_RANGE_PX = (128, 4096)
# Further enlargement does not help a detector: at 2, nine in ten faces that are 16 px wide are
# detected. Source: docs/experiments/0001-framing.md.
MAX_ENLARGEMENT = 2.0
# Mid-grey creates no strong edge around most images.
_FILL = 127


def check_image(image: npt.NDArray[np.uint8]) -> None:
    """Reject anything that is not an image for a detector.

    Args:
        image: The caller's argument.

    Raises:
        InputError: It is not a non-empty uint8 array (H, W, 3).
    """
    if not isinstance(image, np.ndarray):
        raise InputError(
            f"image is of type {type(image).__name__}; allowed: a uint8 array (H, W, 3) in BGR "
            "order"
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(
            f"image is {image.dtype} {image.shape}; allowed: a non-empty uint8 array (H, W, 3) in "
            "BGR order"
        )


def input_sizes(long_side_px: int) -> tuple[tuple[int, int], ...]:
    """Return the fixed input sizes of about equal area, one per common aspect ratio.

    ONNX Runtime keeps memory for every input shape, so there are only five. Equal areas give every
    image about the same processing time.

    Args:
        long_side_px: Longer side of the 4:3 input; the others have its area. 640 gives 736x416,
            640x480, 544x544, 480x640 and 416x736.

    Returns:
        (width, height) pairs, multiples of 32, from the widest to the tallest.

    Raises:
        ConfigError: The side is outside 128 to 4096.
    """
    low, high = _LONG_SIDE_RANGE_PX
    if not low <= long_side_px <= high:
        raise ConfigError(f"long_side_px is {long_side_px}; allowed: {low} to {high}")
    area = long_side_px**2 / BASE_ASPECT

    def side(length: float) -> int:
        return max(round(length / STRIDE_PX), 1) * STRIDE_PX

    return tuple((side(math.sqrt(area * a)), side(math.sqrt(area / a))) for a in _ASPECTS)


def choose_size(image_wh: tuple[int, int], sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the input size in which an image of (width, height) is largest."""
    return max(sizes, key=lambda size_wh: _fit(image_wh, size_wh))


def input_scale(image_wh: tuple[int, int], sizes: Sequence[tuple[int, int]]) -> float:
    """Return the input pixels per image pixel in the best input size."""
    return min(_fit(image_wh, choose_size(image_wh, sizes)), MAX_ENLARGEMENT)


def smaller_size(size_wh: tuple[int, int], divisor: int) -> tuple[int, int]:
    """Return a size divided by `divisor`, with sides rounded up to multiples of 32."""
    width, height = (math.ceil(side / divisor / STRIDE_PX) * STRIDE_PX for side in size_wh)
    return width, height


@dataclass(frozen=True, slots=True, eq=False)
class Letterbox:
    """An image resized to an input size with its aspect ratio, and padded.

    Attributes:
        image: uint8 (H, W, 3), the input in the colour order of the image.
        scale_xy: Input pixels per image pixel; x and y differ only by rounding to whole pixels.
        offset_xy: Position of the image's top left corner in the input, in pixels.
    """

    image: npt.NDArray[np.uint8]
    scale_xy: tuple[float, float]
    offset_xy: tuple[int, int]

    def to_image(self, points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Convert points (..., 2) (x, y) from input pixels to image pixels."""
        offset = np.asarray(self.offset_xy, np.float32)
        scale = np.asarray(self.scale_xy, np.float32)
        return (points - offset) / scale


def letterbox(image: npt.NDArray[np.uint8], size_wh: tuple[int, int]) -> Letterbox:
    """Resize an image to an input size with its aspect ratio, centred and padded with grey.

    An image smaller than the input is enlarged at most `MAX_ENLARGEMENT` times. The contrast of a
    dark or washed-out image is stretched (`emolens.imaging.exposure`).

    Args:
        image: uint8 (H, W, 3).
        size_wh: (width, height) of the input in pixels.
    """
    height, width = image.shape[:2]
    scale = min(_fit((width, height), size_wh), MAX_ENLARGEMENT)
    inner_w = min(max(round(width * scale), 1), size_wh[0])
    inner_h = min(max(round(height * scale), 1), size_wh[1])
    # Below half the size, linear interpolation would skip pixels. With halving first, the detectors
    # detect as many faces as with area averaging, in a sixth of the time (docs/experiments/0018).
    halved = halve(image, max(math.floor(-math.log2(scale)), 0))
    resized = cv2.resize(halved, (inner_w, inner_h), interpolation=cv2.INTER_LINEAR)
    inner = np.asarray(resized, np.uint8)
    inner = image_levels(inner).spread(inner)
    left, top = (size_wh[0] - inner_w) // 2, (size_wh[1] - inner_h) // 2
    padded = np.full((size_wh[1], size_wh[0], 3), _FILL, np.uint8)
    padded[top : top + inner_h, left : left + inner_w] = inner
    return Letterbox(padded, (inner_w / width, inner_h / height), (left, top))


def network_input(image: npt.NDArray[np.uint8], *, is_rgb: bool = False) -> npt.NDArray[np.float32]:
    """Convert an image to a network input; equals `cv2.dnn.blobFromImage`, 20 times as fast.

    Args:
        image: uint8 (H, W, 3) BGR.
        is_rgb: Whether the network expects RGB order.

    Returns:
        float32 (1, 3, H, W), 0..255.
    """
    planes = cv2.split(image)
    values = np.empty((1, 3, *image.shape[:2]), np.float32)
    for channel, plane in enumerate(reversed(planes) if is_rgb else planes):
        values[0, channel] = plane
    return values


def _fit(image_wh: tuple[int, int], size_wh: tuple[int, int]) -> float:
    return min(size_wh[0] / image_wh[0], size_wh[1] / image_wh[1])
