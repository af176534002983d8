"""Time that goes on, from time stamps that may jump."""

import math
import statistics
from collections import deque
from collections.abc import Callable
from typing import Final

# A pause of up to this, or of a few frames, is one; stamps further ahead come from another clock.
MAX_PAUSE_S: Final = 3600.0
# Stamps that step back by less than this many frames are out of order, but of the same clock:
# frames that refer to later ones, in files whose writer did not sort them.
_FEW_STEPS: Final = 5
# The usual time from frame to frame is the median of the last ones.
_N_STEPS: Final = 9
# Stamps of MPEG's streams have 33 bits at 90 kHz and start again after 26.5 hours.
# Source: ISO/IEC 13818-1, 2.4.3.7.
_WRAP_S: Final = 2**33 / 90_000
# Files put together from many pieces would say the same over and over.
_MAX_TOLD: Final = 3


class Timeline:
    """The time of frames, as their stamps say it as long as these go on.

    Where stamps jump (back, or ahead by more than an hour, as in files that were put together from
    several) time goes on by the usual step from frame to frame; from there on it is ahead of the
    stamps by the last of `offsets_s`. A stamp that is a few frames too early is one out of order:
    its frame gets the time of the one before. Stamps that start anew after 33 bits go on.

    Attributes:
        offsets_s: By how much time is ahead of the stamps in each piece so far, in seconds.
        last_s: Time of the last frame in seconds; None before the first one.

    Args:
        step_s: Seconds from frame to frame, as long as no frames tell it.
        has_wraps: Whether stamps have 33 bits.
        on_warning: Told of jumps.
    """

    def __init__(
        self, step_s: float, *, has_wraps: bool, on_warning: Callable[[str], None]
    ) -> None:
        self._steps_s = deque([step_s], maxlen=_N_STEPS)
        self._has_wraps = has_wraps
        self._on_warning = on_warning
        self._n_jumps = 0
        self.offsets_s: tuple[float, ...] = (0.0,)
        self.last_s: float | None = None

    @property
    def step_s(self) -> float:
        """The usual time from frame to frame, in seconds."""
        return statistics.median(self._steps_s)

    def place(self, stamp_s: float | None) -> float:
        """The time of the next frame, in seconds.

        Args:
            stamp_s: Its time stamp in seconds, or None where it has none.
        """
        if self.last_s is None:
            at_s = stamp_s or 0.0
        elif stamp_s is None:
            at_s = self.last_s + self.step_s
        else:
            at_s = self._follow(stamp_s, self.last_s)
        self.last_s = at_s
        return at_s

    def end(self) -> None:
        """Tell of the jumps that were not told one by one."""
        n_more = self._n_jumps - _MAX_TOLD
        if n_more > 0:
            self._on_warning(f"its time stamps jump {n_more} more times; time goes on there, too")

    def _follow(self, stamp_s: float, last_s: float) -> float:
        at_s = stamp_s + self.offsets_s[-1]
        ahead_s = at_s - last_s
        is_wrapped = self._has_wraps and abs(ahead_s) > _WRAP_S / 2
        if is_wrapped:
            ahead_s -= math.copysign(_WRAP_S, ahead_s)
            at_s = last_s + ahead_s
        few_s = _FEW_STEPS * self.step_s
        is_jump = not -few_s <= ahead_s <= max(MAX_PAUSE_S, few_s)
        if is_jump:
            at_s = last_s + self.step_s
            self._note_jump(ahead_s, at_s)
        if is_jump or is_wrapped:
            self.offsets_s = (*self.offsets_s, at_s - stamp_s)
        elif ahead_s > 0:
            self._steps_s.append(ahead_s)
        return max(at_s, last_s)

    def _note_jump(self, by_s: float, at_s: float) -> None:
        self._n_jumps += 1
        if self._n_jumps <= _MAX_TOLD:
            self._on_warning(
                f"its time stamps jump {'ahead' if by_s > 0 else 'back'} by {abs(by_s):.1f} s at "
                f"{at_s:.1f} s, as in files put together from several; time goes on from there"
            )
