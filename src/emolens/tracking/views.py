"""Small images of frames, and the share of the details that one has lost to another."""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

# All constants: docs/experiments/0023-cuts.md.
# Frames are compared at this size: the longer side, and the side before averaging, in pixels.
_SIDE_PX: Final = 64
_SAMPLED_PX: Final = 192
# Details are compared in overlapping square blocks: at the motion of the whole image and a little
# around it, and, before a cut is reported, further around their place.
_BLOCK_PX: Final = 16
_STEP_PX: Final = 8
_REACH_PX: Final = 3
_FAR_PX: Final = 8
# The motion of the whole image is found by moving its centre by up to this share of its sides.
_MARGIN: Final = 1 / 6
# Blocks of less variance are plain; above the second one, more variance has no more weight.
_PLAIN_VARIANCE: Final = 12.0
_FULL_VARIANCE: Final = 600.0
# Images whose centres correlate like this are not compared in detail.
_SAME: Final = 0.92

Pixels = npt.NDArray[np.uint8]


def shrink(image: Pixels) -> Pixels:
    """Reduce a frame to 64 px; pixels are skipped first, because averaging all is slow.

    Args:
        image: uint8 (H, W, 3) BGR.

    Returns:
        uint8 (h, w, 3), the longer side 64 px and the other one 16 px or more.
    """
    height, width = image.shape[:2]
    longer = max(height, width)
    step = max(1, longer // _SAMPLED_PX)
    scale = _SIDE_PX / longer
    size = max(_BLOCK_PX, round(width * scale)), max(_BLOCK_PX, round(height * scale))
    sampled = np.ascontiguousarray(image[::step, ::step])
    return np.asarray(cv2.resize(sampled, size, interpolation=cv2.INTER_AREA), np.uint8)


def _blocks(image: Pixels) -> Iterator[tuple[int, int, float]]:
    """Yield left edge, upper edge and weight of the blocks with details."""
    levels = image.astype(np.float32)
    size, corner = (_BLOCK_PX, _BLOCK_PX), (0, 0)
    mean = cv2.boxFilter(levels, -1, size, anchor=corner)
    squared = cv2.sqrBoxFilter(levels, -1, size, anchor=corner)
    variance = (squared - mean * mean).mean(axis=2)
    height, width = image.shape[:2]
    for y in _starts(height):
        for x in _starts(width):
            if variance[y, x] >= _PLAIN_VARIANCE:
                yield x, y, min(float(variance[y, x]), _FULL_VARIANCE)


def _starts(length: int) -> range:
    """Return the edges of the blocks along a side, centred."""
    spare = length - _BLOCK_PX
    return range(spare % _STEP_PX // 2, spare + 1, _STEP_PX)


def has_details(image: Pixels) -> bool:
    """Return whether anything in a small image can be found again."""
    return any(True for _ in _blocks(image))


def lost_share(before: Pixels, after: Pixels) -> float:
    """Return the share of the details of an image that another one lacks, 0 to 1.

    Args:
        before: uint8 (h, w, 3), from `shrink`.
        after: The other image, of the same size.
    """
    shift_xy, correlation = _motion(before, after)
    if correlation >= _SAME:
        return 0.0
    return _lost(before, after, shift_xy, reach_px=_REACH_PX)


def lost_share_far(before: Pixels, after: Pixels) -> float:
    """Return `lost_share` after a longer search, for subjects that move in several directions."""
    return _lost(before, after, (0, 0), reach_px=_FAR_PX)


def _lost(before: Pixels, after: Pixels, shift_xy: tuple[int, int], *, reach_px: int) -> float:
    """Search the details of an image in another one, near their shifted places."""
    height, width = before.shape[:2]
    lost = total = 0.0
    for x, y, weight in _blocks(before):
        left, right = _span(x + shift_xy[0], width, reach_px)
        top, bottom = _span(y + shift_xy[1], height, reach_px)
        if right - left < _BLOCK_PX or bottom - top < _BLOCK_PX:
            continue  # it moved out of the image
        block = before[y : y + _BLOCK_PX, x : x + _BLOCK_PX]
        matches = cv2.matchTemplate(after[top:bottom, left:right], block, cv2.TM_CCOEFF_NORMED)
        lost += weight * (1 - max(0.0, float(matches.max())))
        total += weight
    return lost / total if total else 0.0


def _span(start: int, length: int, reach_px: int) -> tuple[int, int]:
    """Return the part of a side in which a block is searched."""
    return max(0, start - reach_px), min(length, start + _BLOCK_PX + reach_px)


def _motion(before: Pixels, after: Pixels) -> tuple[tuple[int, int], float]:
    """Return how far the centre of an image moved (x, y) in pixels, and its correlation there."""
    half = before.shape[1] // 2, before.shape[0] // 2
    from_gray, to_gray = (
        cv2.resize(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), half, interpolation=cv2.INTER_AREA)
        for one in (before, after)
    )
    x, y = round(half[0] * _MARGIN), round(half[1] * _MARGIN)
    centre = from_gray[y : half[1] - y, x : half[0] - x]
    matches = cv2.matchTemplate(to_gray, centre, cv2.TM_CCOEFF_NORMED)
    _, correlation, _, (best_x, best_y) = cv2.minMaxLoc(matches)
    return (2 * (best_x - x), 2 * (best_y - y)), float(correlation)
