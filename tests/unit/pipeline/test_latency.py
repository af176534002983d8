import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.pipeline.latency import Latency, LatencyHistogram, StageLatencies


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=200), st.sampled_from([50, 95, 99, 100]))
def test_percentiles_are_right_within_one_per_cent(durations: list[float], percent: int) -> None:
    histogram = LatencyHistogram()
    for duration in durations:
        histogram.add(duration)
    expected = np.percentile(durations, percent, method="inverted_cdf")
    assert histogram.percentile(percent) == pytest.approx(expected, rel=0.0101)


def test_nothing_counted_is_zero() -> None:
    assert LatencyHistogram().summary() == Latency(0, 0, 0, 0)


@pytest.mark.parametrize("duration", [0.0, -1.0, 1e-9, 1e12])
def test_durations_that_no_bin_holds_are_counted(duration: float) -> None:
    histogram = LatencyHistogram()
    histogram.add(duration)
    assert histogram.summary().n == 1


def test_memory_does_not_grow() -> None:
    histogram = LatencyHistogram()
    size = histogram._counts.nbytes
    for index in range(10_000):
        histogram.add(index / 10)
    assert histogram._counts.nbytes == size < 50_000
    assert histogram.summary().n == 10_000


def test_every_stage_that_ran_has_its_own() -> None:
    latencies = StageLatencies()
    latencies.add({"detection": 10.0})
    latencies.add({"detection": 10.0, "classification": 2.0})
    summary = latencies.summary()
    assert {stage: of.n for stage, of in summary.items()} == {"detection": 2, "classification": 1}
    assert summary["classification"].p50_ms == pytest.approx(2, rel=0.0101)


@pytest.mark.timeout(20)
def test_another_thread_may_ask_while_stages_are_met_for_the_first_time() -> None:
    latencies = StageLatencies()

    def add() -> None:
        for stage in range(1500):
            latencies.add({str(stage): 1.0})

    adding = threading.Thread(target=add)
    adding.start()
    while adding.is_alive():
        latencies.summary()
    assert len(latencies.summary()) == 1500
