"""Detection of cuts in a stream, frame by frame."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from emolens.tracking.dissolves import DissolveDetector
from emolens.tracking.views import Pixels, has_details, lost_share, lost_share_far, shrink

# All constants: docs/experiments/0023-cuts.md.
# A new frame starts a shot if it lacks more than this share of the details of the last one. The
# share grows with the loss that motion alone is expected to cause. Motion halves in 0.2 s.
_MIN_LOST: Final = 0.3
_MOTION_WEIGHT: Final = 0.75
_MOTION_HALF_LIFE_S: Final = 0.2
# Several frames may have the same time.
_MIN_STEP_S: Final = 1e-3
# A frame that resembles one from this many seconds before is not a cut: it ends a flash.
_FLASH_S: Final = 0.2
# More frames than 0.2 s have at 240 Hz.
_MAX_VIEWS: Final = 64
# A flash adds light only, and turns at least this share of the image white.
_WHITE_SHARE: Final = 0.15
_WHITE: Final = 245
_MAX_DARKER_SHARE: Final = 0.02
_DARKER: Final = 12


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
        return self.motion_per_s * math.exp2(-passed_s / _MOTION_HALF_LIFE_S)

    def expected_loss(self, passed_s: float) -> float:
        """Return the share of the details that fading motion loses in some seconds, 0 to 1."""
        lost = self.motion_per_s - self.motion_after(passed_s)
        return min(1.0, lost * _MOTION_HALF_LIFE_S / math.log(2))


class CutDetector:
    """A detector of cuts and dissolves that judges each frame when it arrives.

    It searches the details of the last frame in the new one. Moving cameras and subjects,
    exposure and flashes keep them; a cut loses them. Only times count, not the number of frames.

    - Frames without details (black, white) are not cuts. The next frame with details is compared
      with the last one before them.
    - A flash is ignored for 0.2 s. A cut to a white image is therefore detected up to 0.2 s late.
    - A dissolve becomes a cut near its end (`DissolveDetector`).
    - A shot of less than 0.2 s between two parts of another one is one cut, not two.

    Source:
        docs/experiments/0023-cuts.md.
    """

    def __init__(self) -> None:
        self._views: deque[_View] = deque()
        self._dissolves = DissolveDetector()

    def reset(self) -> None:
        """Forget the last frames. The next frame is not a cut."""
        self._views.clear()
        self._dissolves.reset()

    def is_cut(self, image: Pixels, at_s: float) -> bool:
        """Return whether a frame starts a new shot.

        Args:
            image: uint8 (H, W, 3) BGR.
            at_s: Time of the frame in seconds, not before the one of the last call.
        """
        small = shrink(image)
        if not has_details(small):
            return False
        if self._views and self._views[-1].image.shape != small.shape:
            self.reset()
            self._keep(_View(small, at_s))
            return True
        is_cut = self._is_hard_cut(small, at_s)
        if is_cut:
            self._dissolves.reset()
        return self._dissolves.is_dissolved(small, at_s) or is_cut

    def _is_hard_cut(self, small: Pixels, at_s: float) -> bool:
        """Compare a frame with the last ones and keep it, unless it is part of a flash."""
        if not self._views:
            self._keep(_View(small, at_s))
            return False
        last = self._views[-1]
        passed_s = max(at_s - last.at_s, _MIN_STEP_S)
        allowed = _MIN_LOST + _MOTION_WEIGHT * last.expected_loss(passed_s)
        lost = lost_share(last.image, small)
        if lost > allowed:
            before_flash = lost_share(self._views[0].image, small)
            lost = min(lost, before_flash, lost_share_far(last.image, small))
        is_cut = lost > allowed
        if is_cut and passed_s < _FLASH_S and _is_flash(last.image, small):
            return False
        motion_per_s = 0.0 if is_cut else max(last.motion_after(passed_s), lost / passed_s)
        self._keep(_View(small, at_s, motion_per_s))
        return is_cut

    def _keep(self, view: _View) -> None:
        """Keep a view, and the others of the last 0.2 s; time stamps may stand still."""
        self._views.append(view)
        while view.at_s - self._views[0].at_s > _FLASH_S or len(self._views) > _MAX_VIEWS:
            self._views.popleft()


def _is_flash(before: Pixels, after: Pixels) -> bool:
    """Return whether light was added everywhere and much of the image became white."""
    old, new = (cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in (before, after))
    white = (new >= _WHITE) & (old < _WHITE)
    darker = new.astype(np.int16) < old.astype(np.int16) - _DARKER
    return bool(white.mean() >= _WHITE_SHARE and darker.mean() <= _MAX_DARKER_SHARE)
