import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.core.errors import ConfigError
from emolens.pipeline.schedule import Pace


def runs(pace: Pace, times_s: list[float], took_s: float = 0.0) -> list[float]:
    ran = []
    for at_s in times_s:
        if pace.is_due(at_s):
            ran.append(at_s)
            pace.ran(at_s, took_s)
    return ran


def frames(rate_hz: float, until_s: float) -> list[float]:
    return [index / rate_hz for index in range(round(until_s * rate_hz))]


def test_without_a_rate_every_frame_is_due() -> None:
    assert runs(Pace(None), frames(30, 1)) == frames(30, 1)


@pytest.mark.parametrize("frame_hz", [12.5, 15, 24, 25, 29.97, 30, 50, 60, 120])
def test_the_rate_is_kept_whatever_the_frame_rate(frame_hz: float) -> None:
    assert len(runs(Pace(10), frames(frame_hz, 20))) == pytest.approx(200, abs=2)


def test_a_rate_above_that_of_the_frames_takes_them_all() -> None:
    assert len(runs(Pace(100), frames(30, 2))) == 60


def test_time_stamps_rounded_to_milliseconds_lose_no_turn() -> None:
    times_s = [round(at_s, 3) for at_s in frames(30, 10)]
    assert len(runs(Pace(10), times_s)) == 100


def test_after_a_pause_turns_are_not_made_up_for() -> None:
    assert runs(Pace(10), [0, 5, 5.01, 5.05, 5.1]) == [0, 5, 5.1]


def test_no_more_than_its_share_of_time_is_taken() -> None:
    ran = runs(Pace(10, max_share=0.5), frames(30, 20), took_s=0.2)
    assert len(ran) == pytest.approx(50, abs=2)
    quick = runs(Pace(10, max_share=0.5), frames(30, 20), took_s=0.01)
    assert len(quick) == pytest.approx(200, abs=2)


def test_the_share_follows_the_cost() -> None:
    pace = Pace(None, max_share=0.5)
    runs(pace, frames(30, 10), took_s=0.3)
    later = [10 + at_s for at_s in frames(30, 20)]
    assert len(runs(pace, later, took_s=0.001)) > 500


def test_a_longer_wait_is_not_made_up_for() -> None:
    pace = Pace(10)
    pace.ran(0, 0, n_intervals=2)
    assert not pace.is_due(0.1)
    assert pace.is_due(0.2)
    pace.ran(0.2, 0)
    assert pace.is_due(0.3)


def test_haste_keeps_to_the_share() -> None:
    free, limited = Pace(1), Pace(1, max_share=0.5)
    for pace in (free, limited):
        pace.ran(0, 0.2)
        pace.hurry()
    assert free.is_due(0.1)
    assert not limited.is_due(0.3)
    assert limited.is_due(0.4)


def test_haste_puts_nothing_off() -> None:
    pace = Pace(10, max_share=0.1)
    pace.hurry()
    assert pace.is_due(0)


def test_a_restart_is_due_at_once() -> None:
    pace = Pace(1)
    pace.ran(100, 0)
    assert not pace.is_due(3)
    pace.restart()
    assert pace.is_due(3)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, math.inf, math.nan])
def test_a_rate_has_to_be_positive(rate_hz: float) -> None:
    with pytest.raises(ConfigError, match="rate_hz is .*; allowed: above 0 Hz"):
        Pace(rate_hz)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, math.nan])
def test_a_share_is_above_nothing_and_at_most_all(share: float) -> None:
    with pytest.raises(ConfigError, match="max_share"):
        Pace(10, max_share=share)


@given(
    st.lists(st.floats(0, 0.5), min_size=1, max_size=60),
    st.floats(0.5, 100),
    st.floats(0.05, 1),
    st.floats(0, 0.2),
)
def test_it_never_runs_more_often_than_rate_and_share_allow(
    steps_s: list[float], rate_hz: float, share: float, took_s: float
) -> None:
    times_s = [sum(steps_s[:n]) for n in range(len(steps_s))]
    interval_s = max(1 / rate_hz, took_s / share)
    n_runs = len(runs(Pace(rate_hz, max_share=share), times_s, took_s))
    # One at the start, and one that comes on time after one that came late.
    assert n_runs <= times_s[-1] / interval_s + 2
