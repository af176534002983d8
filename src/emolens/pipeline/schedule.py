"""When a stage is due: so many times a second, and no more than the machine has time for."""

import math

from emolens.core.errors import ConfigError

# Two time stamps that differ by less are the same moment: containers round to milliseconds.
_TOLERANCE_S = 2e-3
# How quickly the measured cost follows a change.
_COST_WEIGHT = 0.2


class Pace:
    """Says when a stage that need not run on every frame should run again.

    Args:
        rate_hz: How often in a second of the stream's time; None for every frame.
        max_share: The part of real time that the stage may take, 0..1: where one run takes 50 ms,
            a share of 0.5 lets 100 ms pass before the next. None runs it whatever it costs, so
            that the same stream always gets the same treatment.

    Raises:
        ConfigError: A value is out of range.
    """

    def __init__(self, rate_hz: float | None, *, max_share: float | None = None) -> None:
        if rate_hz is not None and not 0 < rate_hz < math.inf:
            raise ConfigError(f"a rate must be a positive number of Hz, got {rate_hz}")
        if max_share is not None and not 0 < max_share <= 1:
            raise ConfigError(f"max_share must be above 0 and at most 1, got {max_share}")
        self._interval_s = 1 / rate_hz if rate_hz else 0.0
        self._max_share = max_share
        self._cost_s = 0.0
        self._next_s = -math.inf
        self._rested_s = -math.inf

    def is_due(self, at_s: float) -> bool:
        """Whether the stage should run on the frame of `at_s` seconds."""
        return at_s >= self._next_s - _TOLERANCE_S

    def ran(self, at_s: float, took_s: float, *, n_intervals: int = 1) -> None:
        """Note that the stage ran, and when it is due again.

        Args:
            at_s: Time of the frame that it ran on, in seconds.
            took_s: Seconds of real time that it took.
            n_intervals: After how many intervals of the rate it is due.
        """
        is_first = self._cost_s == 0
        self._cost_s += (1.0 if is_first else _COST_WEIGHT) * (took_s - self._cost_s)
        interval_s = n_intervals * self._interval_s
        if self._max_share is not None:
            rest_s = self._cost_s / self._max_share
            interval_s, self._rested_s = max(interval_s, rest_s), at_s + rest_s
        # Counting from when it was due keeps the rate where frames do not come at its multiples.
        planned_s = self._next_s + interval_s
        self._next_s = planned_s if planned_s > at_s else at_s + interval_s

    def hurry(self) -> None:
        """Be due as soon as the share of real time allows."""
        self._next_s = min(self._next_s, self._rested_s)

    def restart(self) -> None:
        """Be due at once, e.g. after a gap; the cost stays known."""
        self._next_s = -math.inf
