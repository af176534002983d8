"""Square crops at any size and position, with sub-pixel precision."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.geometry import Box

# Float arithmetic on pixel coordinates can make the sides differ by this much.
_SIDE_TOLERANCE = 1e-3
# OpenCV first shrinks longer regions to this side, or to this many pixels per result pixel. An edge
# is then off by at most 1/8 of a result pixel, and far less at 48 px.
_LARGE_PX = 2048
_LARGE_STEP = 8

_GRAY_NDIM = 2
# Rounds results to the nearest level.
_HALF = 0.5

_Floats = npt.NDArray[np.float64]


def crop_square(image: npt.NDArray[np.uint8], square: Box, size_px: int) -> npt.NDArray[np.uint8]:
    """Crop a square and resize it.

    The edges of the square are not rounded to whole pixels. When shrinking, each result pixel is
    the mean of the area that it covers, with partly covered pixels weighted by their covered share.
    When enlarging, pixels are interpolated linearly. Pixels outside the image repeat its border.
    Results are rounded, so they may differ by 1 from OpenCV's INTER_AREA and INTER_LINEAR. Memory
    use depends on the image and `size_px`, not on the square.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        square: The square in pixels; it may lie partly or wholly outside the image.
        size_px: Side of the result.

    Returns:
        uint8 (size_px, size_px) or (size_px, size_px, 3), C-contiguous.

    Raises:
        InputError: The image has another dtype or shape, the square is empty or has unequal sides,
            or `size_px` is below 1.
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
    """Return the region of an image that a crop depends on, so that the rest need not be processed.

    A crop of that region equals a crop of the whole image.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        square: The square in pixels; it may lie partly or wholly outside the image.
        is_turned: Whether the square is rotated about its centre before it is cropped.

    Returns:
        A view of the image, never empty, and the square in pixels of that view.
    """
    reach = Box.from_center(square.center_xy, math.sqrt(2) * square.width) if is_turned else square
    top, bottom = _touched(reach.y_min, max(reach.width, reach.height), image.shape[0])
    left, right = _touched(reach.x_min, max(reach.width, reach.height), image.shape[1])
    edges = (square.x_min - left, square.y_min - top, square.x_max - left, square.y_max - top)
    return image[top:bottom, left:right], Box(*edges)


def resize_gray_square(image: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    """Resize a whole grey image to a square.

    The image is averaged over areas when shrinking and interpolated linearly when enlarging. An
    image that already has the size is returned unchanged. An image that is not square keeps its
    aspect ratio and its content: its shorter side is padded on both ends by repeating the border.

    Args:
        image: uint8 (H, W), grey.
        size_px: Side of the result.

    Returns:
        uint8 (size_px, size_px); the image itself if it already has this size.

    Raises:
        InputError: The image has another dtype or shape, or `size_px` is below 1.
    """
    if image.ndim < _GRAY_NDIM or image.shape[2:]:
        raise InputError(f"the grey image is {image.dtype} {image.shape}; allowed: uint8 (H, W)")
    height, width = image.shape
    if height == width == size_px:
        return image
    return crop_square(image, Box(0, 0, width, height).to_square(), size_px)


def middle_square(image: npt.NDArray[np.uint8], part: float) -> npt.NDArray[np.uint8]:
    """Crop the central square of an image without resampling.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        part: Side of the square as a fraction of the image's shorter side, above 0 and at most 1.

    Returns:
        uint8 (S, S) or (S, S, 3), a view of the image; S is at least 1.

    Raises:
        InputError: `part` is out of range.
    """
    if not 0 < part <= 1:
        raise InputError(f"part is {part}; allowed: above 0 and at most 1")
    height, width = image.shape[:2]
    side = max(round(part * min(height, width)), 1)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def _check(image: npt.NDArray[np.uint8], square: Box, size_px: int) -> None:
    is_shape_allowed = image.ndim > 1 and image.shape[2:] in ((), (3,))
    if image.dtype != np.uint8 or not is_shape_allowed or 0 in image.shape:
        raise InputError(
            f"the image to crop is {image.dtype} {image.shape}; allowed: a non-empty uint8 array "
            "(H, W) or (H, W, 3)"
        )
    if size_px < 1:
        raise InputError(f"size_px is {size_px}; allowed: 1 or more")
    tolerance = _SIDE_TOLERANCE * max(1.0, square.width)
    if square.width <= 0 or abs(square.width - square.height) > tolerance:
        raise InputError(
            f"the square is {square.width} x {square.height} px; allowed: equal sides above 0. "
            "Use Box.to_square()."
        )


def _touched(start: float, side: float, n_in: int) -> tuple[int, int]:
    """Return start and end of the pixels under a side, plus one neighbour per end; never empty."""
    first = min(max(math.floor(start) - 1, 0), n_in - 1)
    return first, min(max(math.ceil(start + side) + 1, first + 1), n_in)


def _shrink_large(part: npt.NDArray[np.uint8], limit: int) -> npt.NDArray[np.uint8]:
    """Shrink long sides to a limit, so that the interpolation weights stay small."""
    height, width = part.shape[:2]
    size_wh = (min(width, limit), min(height, limit))
    if size_wh == (width, height):
        return part
    return np.asarray(cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class _Line:
    """Positions of `n` results along one side of an image, in pixels of the image."""

    start: float
    side: float
    n: int

    @property
    def step(self) -> float:
        """Image pixels per result."""
        return self.side / self.n

    @property
    def edges(self) -> _Floats:
        """Boundaries of the results, (n + 1,)."""
        return np.asarray(self.start + self.step * np.arange(self.n + 1), np.float64)

    @property
    def centers(self) -> _Floats:
        """Centres of the results, relative to the centre of the first pixel, (n,)."""
        return np.asarray(self.edges[:-1] + self.step / 2 - 0.5, np.float64)


def _area_means(image: npt.NDArray[np.uint8], along_y: _Line, along_x: _Line) -> _Floats:
    """Compute the mean of the area under each result.

    The integral image at any sub-pixel position follows exactly from its values at the four corners
    of the pixel. This avoids matrix products: NumPy's keep all cores busy for a while afterwards
    and slow the networks down.

    Source:
        Crow, "Summed-area tables for texture mapping", SIGGRAPH 1984.
    """
    sums = cv2.integral(image, sdepth=cv2.CV_64F)
    corners = _between(_between(sums, along_y.edges, axis=0), along_x.edges, axis=1)
    sums_of_areas = np.diff(np.diff(corners, axis=0), axis=1)
    return np.asarray(sums_of_areas / (along_y.step * along_x.step), np.float64)


def _interpolated(image: npt.NDArray[np.uint8], along_y: _Line, along_x: _Line) -> _Floats:
    """Interpolate the image at the centre of each result."""
    height, width = image.shape[:2]
    rows = _between(image, np.clip(along_y.centers, 0, height - 1), axis=0)
    return _between(rows, np.clip(along_x.centers, 0, width - 1), axis=1)


def _between(values: npt.NDArray[Any], places: _Floats, *, axis: int) -> _Floats:
    """Interpolate linearly along an axis; extrapolate linearly beyond the ends."""
    last = values.shape[axis] - 1
    lower = np.clip(np.floor(places), 0, max(last - 1, 0)).astype(np.intp)
    low = values.take(lower, axis).astype(np.float64)
    high = values.take(np.minimum(lower + 1, last), axis).astype(np.float64)
    share = np.expand_dims(places - lower, tuple(range(1, values.ndim - axis)))
    return np.asarray(low + share * (high - low))
