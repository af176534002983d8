"""Cut a square out of an image, at any size and place, without losing track of fractions."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.geometry import Box

# Sides may differ by what float arithmetic on pixel coordinates leaves behind.
_SIDE_TOLERANCE = 1e-3
# Longer parts of an image are shrunk by OpenCV first, to this side or to this many pixels per
# result pixel; an edge is then off by at most 1/8 of a result pixel, and far less at 48 px.
_LARGE_PX = 2048
_LARGE_STEP = 8

_GRAY_NDIM = 2
# Results are rounded to the nearest level.
_HALF = 0.5

_Floats = npt.NDArray[np.float64]


def crop_square(image: npt.NDArray[np.uint8], square: Box, size_px: int) -> npt.NDArray[np.uint8]:
    """Cut a square out of an image and bring it to a size.

    The square's edges count with all their decimals. When shrinking, every result pixel is the
    mean of the area it covers, partly covered pixels by their part; when growing, pixels are
    interpolated linearly. What lies outside the image repeats its border. Results are rounded,
    so they may differ by 1 from OpenCV's INTER_AREA and INTER_LINEAR. Memory depends on the
    image and `size_px` alone, not on the square.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        square: The square in pixels; it may lie partly or wholly outside the image.
        size_px: Side of the result.

    Returns:
        uint8 (size_px, size_px) or (size_px, size_px, 3), C-contiguous.

    Raises:
        InputError: The image has another type or shape, the square is empty or no square, or
            `size_px` is below 1.
    """
    _check(image, square, size_px)
    side = max(square.width, square.height)
    top, bottom = _touched(square.y_min, side, image.shape[0])
    left, right = _touched(square.x_min, side, image.shape[1])
    inside = _shrink_large(image[top:bottom, left:right], max(_LARGE_PX, _LARGE_STEP * size_px))
    height, width = inside.shape[:2]
    scale_y, scale_x = height / (bottom - top), width / (right - left)
    along_y = _Line((square.y_min - top) * scale_y, side * scale_y, size_px)
    along_x = _Line((square.x_min - left) * scale_x, side * scale_x, size_px)
    resample = _area_means if min(along_y.step, along_x.step) >= 1 else _interpolated
    cut = np.floor(resample(inside, along_y, along_x) + _HALF)
    return np.ascontiguousarray(np.clip(cut, 0, 255), np.uint8)


def part_around(
    image: npt.NDArray[np.uint8], square: Box, *, is_turned: bool = False
) -> tuple[npt.NDArray[np.uint8], Box]:
    """The part of an image that a crop depends on, so that nothing is done to the rest.

    A crop of that part is the same as one of the whole image.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        square: The square in pixels; it may lie partly or wholly outside the image.
        is_turned: Whether the square is turned about its centre before it is cut out.

    Returns:
        A view of the image, never empty, and the square in pixels of that view.
    """
    reach = Box.from_center(square.center_xy, math.sqrt(2) * square.width) if is_turned else square
    top, bottom = _touched(reach.y_min, max(reach.width, reach.height), image.shape[0])
    left, right = _touched(reach.x_min, max(reach.width, reach.height), image.shape[1])
    edges = (square.x_min - left, square.y_min - top, square.x_max - left, square.y_max - top)
    return image[top:bottom, left:right], Box(*edges)


def resize_gray_square(image: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    """Bring a whole grey image to a square of a size.

    Area averaging when shrinking, linear interpolation when growing; an image of that size stays
    as it is. One that is not square keeps its proportions and all it shows: its shorter side is
    filled up on both ends by repeating the border.

    Args:
        image: uint8 (H, W), grey.
        size_px: Side of the result.

    Returns:
        uint8 (size_px, size_px); the image itself where nothing is to do.

    Raises:
        InputError: The image has another type or shape, or `size_px` is below 1.
    """
    if image.ndim < _GRAY_NDIM or image.shape[2:]:
        raise InputError(f"a grey image must be uint8 (H, W), got {image.dtype} {image.shape}")
    height, width = image.shape
    if height == width == size_px:
        return image
    return crop_square(image, Box(0, 0, width, height).to_square(), size_px)


def middle_square(image: npt.NDArray[np.uint8], part: float) -> npt.NDArray[np.uint8]:
    """The square in the middle of an image, without resampling.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        part: Its side in parts of the image's shorter side, above 0 and at most 1.

    Returns:
        uint8 (S, S) or (S, S, 3), a view of the image, S at least 1.

    Raises:
        InputError: The part is outside its range.
    """
    if not 0 < part <= 1:
        raise InputError(f"the part of an image must be above 0 and at most 1, got {part}")
    height, width = image.shape[:2]
    side = max(round(part * min(height, width)), 1)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def _check(image: npt.NDArray[np.uint8], square: Box, size_px: int) -> None:
    is_shape_allowed = image.ndim > 1 and image.shape[2:] in ((), (3,))
    if image.dtype != np.uint8 or not is_shape_allowed or 0 in image.shape:
        raise InputError(
            "an image to crop must be a non-empty uint8 array (H, W) or (H, W, 3), "
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


@dataclass(frozen=True, slots=True)
class _Line:
    """Where `n` results lie along one side of an image, in pixels of it."""

    start: float
    side: float
    n: int

    @property
    def step(self) -> float:
        """Pixels of the image per result."""
        return self.side / self.n

    @property
    def edges(self) -> _Floats:
        """Where results begin and end, (n + 1,)."""
        return np.asarray(self.start + self.step * np.arange(self.n + 1), np.float64)

    @property
    def centers(self) -> _Floats:
        """Where the middles of results lie, from the middle of the first pixel, (n,)."""
        return np.asarray(self.edges[:-1] + self.step / 2 - 0.5, np.float64)


def _area_means(image: npt.NDArray[np.uint8], along_y: _Line, along_x: _Line) -> _Floats:
    """The mean of the area that each result covers.

    The sum of the pixels from the top left corner to any place, also within a pixel, follows
    exactly from the sums to the corners of that pixel. No matrix product: NumPy's would keep all
    cores busy for a while after it, and take them from the networks.

    Source:
        Crow, "Summed-area tables for texture mapping", SIGGRAPH 1984.
    """
    sums = cv2.integral(image, sdepth=cv2.CV_64F)
    corners = _between(_between(sums, along_y.edges, axis=0), along_x.edges, axis=1)
    sums_of_areas = np.diff(np.diff(corners, axis=0), axis=1)
    return np.asarray(sums_of_areas / (along_y.step * along_x.step), np.float64)


def _interpolated(image: npt.NDArray[np.uint8], along_y: _Line, along_x: _Line) -> _Floats:
    """The image at the middle of each result."""
    height, width = image.shape[:2]
    rows = _between(image, np.clip(along_y.centers, 0, height - 1), axis=0)
    return _between(rows, np.clip(along_x.centers, 0, width - 1), axis=1)


def _between(values: npt.NDArray[Any], places: _Floats, *, axis: int) -> _Floats:
    """Values between neighbours along an axis; beyond the ends they go on in a straight line."""
    last = values.shape[axis] - 1
    lower = np.clip(np.floor(places), 0, max(last - 1, 0)).astype(np.intp)
    low = values.take(lower, axis).astype(np.float64)
    high = values.take(np.minimum(lower + 1, last), axis).astype(np.float64)
    share = np.expand_dims(places - lower, tuple(range(1, values.ndim - axis)))
    return np.asarray(low + share * (high - low))
