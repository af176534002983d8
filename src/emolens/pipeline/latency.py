"""How long stages take, over hours and in constant memory."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

# Bins from a microsecond to 1000 s whose edges grow by 1 %: a percentile is right within that.
_LEAST_MS: Final = 1e-3
_GROWTH: Final = 1.01
_N_BINS: Final = math.ceil(math.log(1e9) / math.log(_GROWTH))


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of one stage in milliseconds, over `n` runs."""

    n: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class LatencyHistogram:
    """Counts durations in bins, so that percentiles need neither the durations nor a window."""

    def __init__(self) -> None:
        self._counts = np.zeros(_N_BINS, np.int64)

    def add(self, duration_ms: float) -> None:
        """Count one duration."""
        place = math.log(max(duration_ms, _LEAST_MS) / _LEAST_MS) / math.log(_GROWTH)
        self._counts[min(int(place), _N_BINS - 1)] += 1

    def percentile(self, percent: float) -> float:
        """A percentile in ms, within 1 %; 0 when nothing was counted."""
        n = int(self._counts.sum())
        if n == 0:
            return 0.0
        wanted = max(1, math.ceil(percent / 100 * n))
        place = int(np.searchsorted(self._counts.cumsum(), wanted))
        return float(_LEAST_MS * _GROWTH ** (place + 0.5))

    def summary(self) -> Latency:
        """The percentiles that are reported."""
        p50, p95, p99 = map(self.percentile, (50, 95, 99))
        return Latency(int(self._counts.sum()), p50, p95, p99)


class StageLatencies:
    """One histogram per stage."""

    def __init__(self) -> None:
        self._histograms: dict[str, LatencyHistogram] = {}

    def add(self, timings_ms: Mapping[str, float]) -> None:
        """Count what the stages of one frame took."""
        for stage, duration_ms in timings_ms.items():
            self._histograms.setdefault(stage, LatencyHistogram()).add(duration_ms)

    def summary(self) -> dict[str, Latency]:
        """The percentiles of every stage that ran, by its name."""
        # A copy: another thread may ask while a stage is counted for the first time.
        return {stage: of_stage.summary() for stage, of_stage in list(self._histograms.items())}
