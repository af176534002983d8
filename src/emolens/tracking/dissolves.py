"""Detection of dissolves: one shot fades into another."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.tracking.views import Pixels, lost_share

# All constants: docs/experiments/0023-cuts.md.
# Frames of this distance are kept, and compared over these times, in seconds.
_STEP_S: Final = 0.1
_SPANS_S: Final = (0.6, 1.2, 2.4)
# Smaller differences between time stamps are rounding.
_TOLERANCE_S: Final = 0.02
# The frames between two shots are mixtures of them: the rest has at most this share of the squared
# difference of the shots, and the share of the new shot never falls by more than the second one.
_MAX_REST: Final = 0.1
_MAX_FALL: Final = 0.05
# At least so many frames are real mixtures, with shares of both shots between these.
_MIN_MIXED: Final = 3
_MIXED: Final = (0.1, 0.9)
# Two shots differ by at least this mean square in grey levels, and in this share of the details.
_MIN_DIFFERENCE: Final = 100.0
_MIN_LOST: Final = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    image: Pixels
    at_s: float


class DissolveDetector:
    """A detector of dissolves, which recognises one near its end.

    In a dissolve, every frame is a mixture of a frame before and a frame after it, and the two
    have no details in common. Moving cameras and subjects make no mixtures, and a change of light
    keeps the details.
    """

    def __init__(self) -> None:
        self._moments: deque[_Moment] = deque()

    def reset(self) -> None:
        """Forget the last frames."""
        self._moments.clear()

    def is_dissolved(self, image: Pixels, at_s: float) -> bool:
        """Return whether one shot has dissolved into another up to now.

        Args:
            image: uint8 (h, w, 3) BGR, from `views.shrink`, of one size.
            at_s: Time of the frame in seconds.
        """
        if self._moments and at_s < self._moments[-1].at_s + _STEP_S - _TOLERANCE_S:
            return False
        self._moments.append(_Moment(image, at_s))
        while at_s - self._moments[0].at_s > _SPANS_S[-1] + _STEP_S:
            self._moments.popleft()
        is_dissolved = any(self._is_dissolved_in(span_s) for span_s in _SPANS_S)
        if is_dissolved:
            self.reset()
        return is_dissolved

    def _is_dissolved_in(self, span_s: float) -> bool:
        now = self._moments[-1]
        since = [one for one in self._moments if now.at_s - one.at_s <= span_s + _TOLERANCE_S]
        if now.at_s - since[0].at_s < span_s - _STEP_S or len(since) < _MIN_MIXED + 2:
            return False
        images = [one.image.astype(np.float32) for one in since]
        return _are_mixtures(images) and lost_share(since[0].image, now.image) > _MIN_LOST


def _are_mixtures(images: list[npt.NDArray[np.float32]]) -> bool:
    """Return whether images lead from the first to the last one by mixing them."""
    first, *between, last = images
    change = last - first
    squared = float(np.vdot(change, change))
    if squared < _MIN_DIFFERENCE * change.size:
        return False
    share, n_mixed = 0.0, 0
    for image in between:
        added = image - first
        new_share = float(np.vdot(added, change)) / squared
        rest = added - new_share * change
        if new_share < share - _MAX_FALL or float(np.vdot(rest, rest)) > _MAX_REST * squared:
            return False
        share = new_share
        n_mixed += _MIXED[0] < share < _MIXED[1]
    return n_mixed >= _MIN_MIXED
