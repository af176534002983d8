"""Latency percentiles of pipeline stages, in constant memory."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

CAPTURE_TO_RESULT: Final = "capture to result"
"""The name of the time from the capture or reading of a frame until its result is available."""
# Bins from 1 us to 1000 s whose edges grow by 1 %, which is the accuracy of the percentiles.
_LEAST_MS: Final = 1e-3
_GROWTH: Final = 1.01
_N_BINS: Final = math.ceil(math.log(1e9) / math.log(_GROWTH))


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency percentiles of one stage in milliseconds, over `n` runs."""

    n: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class LatencyHistogram:
    """A histogram of durations, for percentiles in constant memory."""

    def __init__(self) -> None:
        self._counts = np.zeros(_N_BINS, np.int64)

    def add(self, duration_ms: float) -> None:
        """Count one duration."""
        position = math.log(max(duration_ms, _LEAST_MS) / _LEAST_MS) / math.log(_GROWTH)
        self._counts[min(int(position), _N_BINS - 1)] += 1

    def percentile(self, percent: float) -> float:
        """Return a percentile in milliseconds, accurate to 1 %; 0 without durations."""
        n = int(self._counts.sum())
        if n == 0:
            return 0.0
        rank = max(1, math.ceil(percent / 100 * n))
        index = int(np.searchsorted(self._counts.cumsum(), rank))
        return float(_LEAST_MS * _GROWTH ** (index + 0.5))

    def summary(self) -> Latency:
        """Return the 50th, 95th and 99th percentiles."""
        p50, p95, p99 = map(self.percentile, (50, 95, 99))
        return Latency(int(self._counts.sum()), p50, p95, p99)


class StageLatencies:
    """Latency histograms by stage."""

    def __init__(self) -> None:
        self._histograms: dict[str, LatencyHistogram] = {}

    def add(self, timings_ms: Mapping[str, float]) -> None:
        """Count the durations of one frame, in milliseconds by stage."""
        for stage, duration_ms in timings_ms.items():
            self._histograms.setdefault(stage, LatencyHistogram()).add(duration_ms)

    def summary(self) -> dict[str, Latency]:
        """Return the percentiles of all stages so far, by stage name."""
        # Copy the items, because another thread may add a stage.
        return {stage: histogram.summary() for stage, histogram in list(self._histograms.items())}
