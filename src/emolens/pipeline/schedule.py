"""Schedules for stages with a rate and a limited share of real time."""

import math

from emolens.core.errors import ConfigError

# Smaller differences between time stamps are rounding: containers round to milliseconds.
_TOLERANCE_S = 2e-3
# The weight of a new measurement in the moving average of the cost.
_COST_WEIGHT = 0.2


class Pace:
    """A schedule for a stage that does not run on every frame.

    Args:
        rate_hz: Runs per second of stream time; None means every frame.
        max_share: Maximum share of real time for the stage, above 0 to 1. If a run takes 50 ms, a
            share of 0.5 leaves 100 ms until the next. None sets no limit, which makes the schedule
            reproducible.

    Raises:
        ConfigError: A value is out of range.
    """

    def __init__(self, rate_hz: float | None, *, max_share: float | None = None) -> None:
        if rate_hz is not None and not 0 < rate_hz < math.inf:
            raise ConfigError(f"rate_hz is {rate_hz}; allowed: above 0 Hz")
        if max_share is not None and not 0 < max_share <= 1:
            raise ConfigError(f"max_share is {max_share}; allowed: above 0 to 1")
        self._interval_s = 1 / rate_hz if rate_hz else 0.0
        self._max_share = max_share
        self._cost_s = 0.0
        self._next_s = -math.inf
        self._rested_s = -math.inf

    def is_due(self, at_s: float) -> bool:
        """Return whether the stage should run on the frame at `at_s` seconds."""
        return at_s >= self._next_s - _TOLERANCE_S

    def ran(self, at_s: float, took_s: float, *, n_intervals: int = 1) -> None:
        """Register a run of the stage and schedule the next one.

        Args:
            at_s: Time of the processed frame in seconds.
            took_s: Duration of the run in seconds of real time.
            n_intervals: Number of rate intervals until the next run.
        """
        is_first = self._cost_s == 0
        self._cost_s += (1.0 if is_first else _COST_WEIGHT) * (took_s - self._cost_s)
        interval_s = n_intervals * self._interval_s
        if self._max_share is not None:
            rest_s = self._cost_s / self._max_share
            interval_s, self._rested_s = max(interval_s, rest_s), at_s + rest_s
        # Counting from the planned time keeps the rate if frames do not arrive at its multiples.
        planned_s = self._next_s + interval_s
        self._next_s = planned_s if planned_s > at_s else at_s + interval_s

    def hurry(self) -> None:
        """Make the stage due as soon as its share of real time allows."""
        self._next_s = min(self._next_s, self._rested_s)

    def restart(self) -> None:
        """Make the stage due immediately, e.g. after a gap. The measured cost is kept."""
        self._next_s = -math.inf
