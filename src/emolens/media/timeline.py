"""Continuous time from time stamps that may jump."""

import math
import statistics
from collections import deque
from collections.abc import Callable
from typing import Final

# Longer pauses that also exceed a few frames mean that the stamps come from another clock.
MAX_PAUSE_S: Final = 3600.0
# A step back by fewer frames means stamps out of order on the same clock, e.g. B-frames in files
# whose writer did not sort them.
_FEW_STEPS: Final = 5
# The usual frame interval is the median of this many intervals.
_N_STEPS: Final = 9
# Stamps of MPEG streams have 33 bits at 90 kHz and wrap around after 26.5 hours.
# Source: ISO/IEC 13818-1, 2.4.3.7.
_WRAP_S: Final = 2**33 / 90_000
# Files concatenated from many segments would repeat the same warning.
_MAX_WARNINGS: Final = 3


class Timeline:
    """Continuous times of frames, equal to their time stamps until these jump.

    A jump is a step back, or ahead by more than an hour, as in concatenated files. At a jump, time
    advances by the usual frame interval. From there on it differs from the stamps by the last of
    `offsets_s`. A stamp that is a few frames too early is out of order, and its frame gets the time
    of the frame before. Stamps that wrap around after 33 bits are continued.

    Attributes:
        offsets_s: Time minus time stamp in seconds, for each segment so far.
        last_s: Time of the last frame in seconds; None before the first one.

    Args:
        step_s: Initial frame interval in seconds.
        has_wraps: Whether stamps have 33 bits.
        on_warning: Called with a warning at a jump.
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
        """The usual frame interval in seconds."""
        return statistics.median(self._steps_s)

    def place(self, stamp_s: float | None) -> float:
        """Return the time of the next frame in seconds.

        Args:
            stamp_s: Its time stamp in seconds, or None if it has none.
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
        """Warn about the number of jumps without a warning of their own."""
        n_more = self._n_jumps - _MAX_WARNINGS
        if n_more > 0:
            self._on_warning(f"time stamps jump {n_more} more times; later times are shifted")

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
            self._warn_about_jump(ahead_s, at_s)
        if is_jump or is_wrapped:
            self.offsets_s = (*self.offsets_s, at_s - stamp_s)
        elif ahead_s > 0:
            self._steps_s.append(ahead_s)
        return max(at_s, last_s)

    def _warn_about_jump(self, by_s: float, at_s: float) -> None:
        self._n_jumps += 1
        if self._n_jumps <= _MAX_WARNINGS:
            self._on_warning(
                f"time stamps jump {'ahead' if by_s > 0 else 'back'} by {abs(by_s):.1f} s at "
                f"{at_s:.1f} s, as in concatenated files; later times are shifted to continue"
            )
