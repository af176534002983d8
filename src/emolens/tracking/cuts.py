"""Detection of hard cuts in a stream, frame by frame."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

# All constants: docs/experiments/0023-cuts.md.
# A new frame starts a shot if it lacks more than this share of the details of the last one. The
# share grows with the loss that motion alone is expected to cause. Motion halves in 0.2 s.
_MIN_LOST: Final = 0.3
_MOTION_WEIGHT: Final = 0.75
_MOTION_HALF_LIFE_S: Final = 0.2
# Several frames may have the same time.
_MIN_STEP_S: Final = 1e-3
# A frame that resembles one from this many seconds before is no cut: it ends a flash.
_FLASH_S: Final = 0.2
# A flash adds light only, and turns at least this share of the image white.
_WHITE_SHARE: Final = 0.15
_WHITE: Final = 245
_MAX_DARKER_SHARE: Final = 0.02
_DARKER: Final = 12

# Frames are compared at this size: the longer side, and the side before averaging, in pixels.
_SIDE_PX: Final = 64
_SAMPLED_PX: Final = 288
# Details are compared in overlapping square blocks, at the motion of the whole image and a few
# pixels around it.
_BLOCK_PX: Final = 16
_STEP_PX: Final = 8
_REACH_PX: Final = 3
# The motion of the whole image is found by moving its centre by up to this share of its sides.
_MARGIN: Final = 1 / 6
# Blocks of less variance are plain; above the second one, more variance has no more weight.
_PLAIN_VARIANCE: Final = 12.0
_FULL_VARIANCE: Final = 600.0
# Images of this correlation are not compared in detail.
_SAME: Final = 0.97

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A small image of a frame.

    Attributes:
        image: uint8 (h, w, 3), the longer side 64 px.
        at_s: Time in seconds.
        motion_per_s: Share of the details that motion lost recently, per second.
    """

    image: Pixels
    at_s: float
    motion_per_s: float = 0.0

    def motion_after(self, passed_s: float) -> float:
        """Return what remains of the motion after some seconds."""
        return self.motion_per_s * 0.5 ** (passed_s / _MOTION_HALF_LIFE_S)

    def expected_loss(self, passed_s: float) -> float:
        """Return the share of the details that fading motion loses in some seconds, 0 to 1."""
        lost = self.motion_per_s - self.motion_after(passed_s)
        return min(1.0, lost * _MOTION_HALF_LIFE_S / math.log(2))


class CutDetector:
    """A detector of hard cuts that judges each frame when it arrives.

    It searches the details of the last frame in the new one. Moving cameras and subjects,
    exposure, flashes and dissolves keep them; a cut loses them. Only times count, not the number
    of frames.

    - Frames without details (black, white) are no cuts. The next other frame is compared with the
      last one before them.
    - A flash is ignored for 0.2 s. A cut to a white image is therefore detected up to 0.2 s late.
    - A shot of less than 0.2 s between two parts of another one is one cut, not two.

    Source:
        docs/experiments/0023-cuts.md.
    """

    def __init__(self) -> None:
        self._views: deque[_View] = deque()

    def reset(self) -> None:
        """Forget the last frames. The next frame is no cut."""
        self._views.clear()

    def is_cut(self, image: Pixels, at_s: float) -> bool:
        """Return whether a frame starts a new shot.

        Args:
            image: uint8 (H, W, 3) BGR.
            at_s: Time of the frame in seconds, not before the one of the last call.
        """
        small = _shrink(image)
        if not _has_details(small):
            return False
        if not self._views or self._views[-1].image.shape != small.shape:
            is_cut = bool(self._views)
            self._views.clear()
            self._keep(_View(small, at_s))
            return is_cut
        last = self._views[-1]
        passed_s = max(at_s - last.at_s, _MIN_STEP_S)
        allowed = _MIN_LOST + _MOTION_WEIGHT * last.expected_loss(passed_s)
        lost = _lost_share(last.image, small)
        if lost > allowed:
            lost = min(lost, _lost_share(self._views[0].image, small))
        is_cut = lost > allowed
        if is_cut and passed_s < _FLASH_S and _is_flash(last.image, small):
            return False
        motion_per_s = 0.0 if is_cut else max(last.motion_after(passed_s), lost / passed_s)
        self._keep(_View(small, at_s, motion_per_s))
        return is_cut

    def _keep(self, view: _View) -> None:
        """Keep a view, and the others of the last 0.2 s."""
        self._views.append(view)
        while view.at_s - self._views[0].at_s > _FLASH_S:
            self._views.popleft()


def _shrink(image: Pixels) -> Pixels:
    """Reduce a frame to 64 px; pixels are skipped first, because averaging all is slow."""
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


def _has_details(image: Pixels) -> bool:
    return any(True for _ in _blocks(image))


def _lost_share(before: Pixels, after: Pixels) -> float:
    """Return the share of the details of an image that another one lacks, 0 to 1."""
    if _correlation(before, after) >= _SAME:
        return 0.0
    shift_x, shift_y = _motion(before, after)
    height, width = before.shape[:2]
    lost = total = 0.0
    for x, y, weight in _blocks(before):
        left, right = _span(x + shift_x, width)
        top, bottom = _span(y + shift_y, height)
        if right - left < _BLOCK_PX or bottom - top < _BLOCK_PX:
            continue  # it moved out of the image
        block = before[y : y + _BLOCK_PX, x : x + _BLOCK_PX]
        matches = cv2.matchTemplate(after[top:bottom, left:right], block, cv2.TM_CCOEFF_NORMED)
        lost += weight * (1 - max(0.0, float(matches.max())))
        total += weight
    return lost / total if total else 0.0


def _span(start: int, length: int) -> tuple[int, int]:
    """Return the part of a side in which a block is searched."""
    return max(0, start - _REACH_PX), min(length, start + _BLOCK_PX + _REACH_PX)


def _correlation(before: Pixels, after: Pixels) -> float:
    return float(cv2.matchTemplate(after, before, cv2.TM_CCOEFF_NORMED)[0, 0])


def _motion(before: Pixels, after: Pixels) -> tuple[int, int]:
    """Return how far the centre of an image moved to the right and downwards, in pixels."""
    half = before.shape[1] // 2, before.shape[0] // 2
    from_gray, to_gray = (
        cv2.resize(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), half, interpolation=cv2.INTER_AREA)
        for one in (before, after)
    )
    x, y = round(half[0] * _MARGIN), round(half[1] * _MARGIN)
    centre = from_gray[y : half[1] - y, x : half[0] - x]
    matches = cv2.matchTemplate(to_gray, centre, cv2.TM_CCOEFF_NORMED)
    _, _, _, (best_x, best_y) = cv2.minMaxLoc(matches)
    return 2 * (best_x - x), 2 * (best_y - y)


def _is_flash(before: Pixels, after: Pixels) -> bool:
    """Return whether light was added everywhere and much of the image became white."""
    old, new = (cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in (before, after))
    white = (new >= _WHITE) & (old < _WHITE)
    darker = new.astype(np.int16) < old.astype(np.int16) - _DARKER
    return bool(white.mean() >= _WHITE_SHARE and darker.mean() <= _MAX_DARKER_SHARE)
