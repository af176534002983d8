"""Cut a square out of a picture, at any size and place, without losing track of fractions."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.geometry import Box

# Sides may differ by what float arithmetic on pixel coordinates leaves behind.
_SIDE_TOLERANCE = 1e-3
# Longer parts of a picture are shrunk by OpenCV first, to this side or to this many pixels per
# result pixel; an edge is then off by at most 1/8 of a result pixel, and far less at 48 px.
_LARGE_PX = 2048
_LARGE_STEP = 8
# The rows of a picture that are held as float32 at a time.
_ROWS_AT_ONCE = 256

_GRAY_NDIM = 2

_Weights = npt.NDArray[np.float32]


def crop_square(image: npt.NDArray[np.uint8], square: Box, size_px: int) -> npt.NDArray[np.uint8]:
    """Cut a square out of a picture and bring it to a size.

    The square's edges count with all their decimals. When shrinking, every result pixel is the
    mean of the area it covers, partly covered pixels by their part; when growing, pixels are
    interpolated linearly. What lies outside the picture repeats its border. Results are rounded,
    so they may differ by 1 from OpenCV's INTER_AREA and INTER_LINEAR. Memory depends on the
    picture and `size_px` alone, not on the square.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        square: The square in pixels; it may lie partly or wholly outside the picture.
        size_px: Side of the result.

    Returns:
        uint8 (size_px, size_px) or (size_px, size_px, 3), C-contiguous.

    Raises:
        InputError: The picture has another type or shape, the square is empty or no square, or
            `size_px` is below 1.
    """
    _check(image, square, size_px)
    side = max(square.width, square.height)
    top, bottom = _touched(square.y_min, side, image.shape[0])
    left, right = _touched(square.x_min, side, image.shape[1])
    inside = _shrink_large(image[top:bottom, left:right], max(_LARGE_PX, _LARGE_STEP * size_px))
    height, width = inside.shape[:2]
    n_channels = inside[0, 0].size
    scale_y, scale_x = height / (bottom - top), width / (right - left)
    row_weights = _weights((square.y_min - top) * scale_y, side * scale_y, size_px, height)
    column_weights = _weights((square.x_min - left) * scale_x, side * scale_x, size_px, width)
    # Rows first: it leaves (size_px, width) numbers per channel, however tall the part is.
    mixed = np.zeros((size_px, width * n_channels), np.float32)
    for top in range(0, height, _ROWS_AT_ONCE):
        part = inside[top : top + _ROWS_AT_ONCE]
        flat = part.reshape(len(part), -1).astype(np.float32)
        mixed += row_weights[:, top : top + len(part)] @ flat
    # One large product is several times faster than `size_px` small ones.
    lines = mixed.reshape(size_px, width, n_channels).swapaxes(1, 2).reshape(-1, width)
    cut = (lines @ column_weights.T).reshape(size_px, n_channels, size_px).swapaxes(1, 2)
    rounded = np.clip(np.floor(cut + np.float32(0.5)), 0, 255)
    shape = (size_px, size_px, *image.shape[2:])
    return np.ascontiguousarray(rounded.reshape(shape), np.uint8)


def part_around(
    image: npt.NDArray[np.uint8], square: Box, *, is_turned: bool = False
) -> tuple[npt.NDArray[np.uint8], Box]:
    """The part of a picture that a crop depends on, so that nothing is done to the rest.

    A crop of that part is the same as one of the whole picture.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        square: The square in pixels; it may lie partly or wholly outside the picture.
        is_turned: Whether the square is turned about its centre before it is cut out.

    Returns:
        A view of the picture, never empty, and the square in pixels of that view.
    """
    reach = Box.from_center(square.center_xy, math.sqrt(2) * square.width) if is_turned else square
    top, bottom = _touched(reach.y_min, max(reach.width, reach.height), image.shape[0])
    left, right = _touched(reach.x_min, max(reach.width, reach.height), image.shape[1])
    edges = (square.x_min - left, square.y_min - top, square.x_max - left, square.y_max - top)
    return image[top:bottom, left:right], Box(*edges)


def resize_gray_square(image: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    """Bring a whole grey picture to a square of a size.

    Area averaging when shrinking, linear interpolation when growing; a picture of that size stays
    as it is. One that is not square keeps its proportions and all it shows: its shorter side is
    filled up on both ends by repeating the border.

    Args:
        image: uint8 (H, W), grey.
        size_px: Side of the result.

    Returns:
        uint8 (size_px, size_px); the picture itself where nothing is to do.

    Raises:
        InputError: The picture has another type or shape, or `size_px` is below 1.
    """
    if image.ndim < _GRAY_NDIM or image.shape[2:]:
        raise InputError(f"a grey picture must be uint8 (H, W), got {image.dtype} {image.shape}")
    height, width = image.shape
    if height == width == size_px:
        return image
    return crop_square(image, Box(0, 0, width, height).to_square(), size_px)


def middle_square(image: npt.NDArray[np.uint8], part: float) -> npt.NDArray[np.uint8]:
    """The square in the middle of a picture, without resampling.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        part: Its side in parts of the picture's shorter side, above 0 and at most 1.

    Returns:
        uint8 (S, S) or (S, S, 3), a view of the picture, S at least 1.

    Raises:
        InputError: The part is outside its range.
    """
    if not 0 < part <= 1:
        raise InputError(f"the part of a picture must be above 0 and at most 1, got {part}")
    height, width = image.shape[:2]
    side = max(round(part * min(height, width)), 1)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def _check(image: npt.NDArray[np.uint8], square: Box, size_px: int) -> None:
    is_shape_allowed = image.ndim > 1 and image.shape[2:] in ((), (3,))
    if image.dtype != np.uint8 or not is_shape_allowed or 0 in image.shape:
        raise InputError(
            "a picture to crop must be a non-empty uint8 array (H, W) or (H, W, 3), "
            f"got {image.dtype} {image.shape}"
        )
    if size_px < 1:
        raise InputError(f"the side of a crop must be at least 1 px, got {size_px}")
    tolerance = _SIDE_TOLERANCE * max(1.0, square.width)
    if square.width <= 0 or abs(square.width - square.height) > tolerance:
        raise InputError(
            f"a square needs equal sides above 0, got {square.width} x {square.height} px; "
            "use Box.to_square()"
        )


def _touched(start: float, side: float, n_in: int) -> tuple[int, int]:
    """First and end of the pixels that a side needs, with one neighbour each; never empty."""
    first = min(max(math.floor(start) - 1, 0), n_in - 1)
    return first, min(max(math.ceil(start + side) + 1, first + 1), n_in)


def _shrink_large(part: npt.NDArray[np.uint8], limit: int) -> npt.NDArray[np.uint8]:
    """Bring long sides down to a limit, so that the weights below stay small."""
    height, width = part.shape[:2]
    size_wh = (min(width, limit), min(height, limit))
    if size_wh == (width, height):
        return part
    return np.asarray(cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def _weights(start: float, side: float, n_out: int, n_in: int) -> _Weights:
    """How much each of `n_in` pixels adds to each of `n_out` results.

    Returns:
        float32 (n_out, n_in), every row adding up to 1.
    """
    step = side / n_out
    if step < 1:
        return _linear_weights(start, step, n_out, n_in)
    # The first and last pixel reach to infinity: the picture's border repeats itself.
    left = np.arange(n_in, dtype=np.float64)
    right = left + 1
    left[0], right[-1] = -np.inf, np.inf
    edges = (start + step * np.arange(n_out + 1))[:, None]
    covered = np.diff(np.clip(edges, left, right), axis=0)
    return np.asarray(covered / step, np.float32)


def _linear_weights(start: float, step: float, n_out: int, n_in: int) -> _Weights:
    centers = start + step * (np.arange(n_out) + 0.5) - 0.5
    lower = np.floor(centers)
    share = centers - lower
    low, high = (np.clip(index, 0, n_in - 1).astype(np.int64) for index in (lower, lower + 1))
    weights = np.zeros((n_out, n_in), np.float32)
    rows = np.arange(n_out)
    weights[rows, low] = 1 - share
    weights[rows, high] += share
    return weights
