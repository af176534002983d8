"""Sources that are lost on their way, and come back or not."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from emolens.core.errors import SourceError
from emolens.core.frame import Frame
from emolens.pipeline import runner as runner_module
from tests.unit.pipeline.sources import (
    Gate,
    ScriptedSource,
    counted,
    endless,
    fresh_frame,
    n_descriptors,
)

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]


def dying(kind: str, gate: Gate) -> Callable[[], Iterator[Frame]]:
    """A connection that gives three frames and then dies in a way."""

    def script() -> Iterator[Frame]:
        yield from counted(3, pause_s=0.002)()
        if kind == "raises":
            raise SourceError("cable pulled")
        if kind == "blocks":
            gate.block(0.6)
        if kind == "blocks for ever":
            gate.block()

    return script


@pytest.mark.parametrize("kind", ["raises", "ends", "blocks", "blocks for ever"])
def test_an_endless_source_that_dies_is_noticed_and_opened_again(kind: str, gate: Gate) -> None:
    """G4, with a shorter stall: noticed, and running again within 2 s."""
    opened = count()
    events: list[tuple[float, str]] = []

    def open_source() -> ScriptedSource:
        is_first = next(opened) == 0
        return ScriptedSource(dying(kind, gate) if is_first else counted(10**6, pause_s=0.005))

    stall_s = 0.3
    runner = endless(
        open_source, stall_s=stall_s, on_event=lambda text: events.append((time.monotonic(), text))
    )
    indices, times_s, began_s = [], [], time.monotonic()
    for result in runner:
        indices.append(result.frame_index)
        times_s.append(result.media_time_s)
        if runner.status.n_reconnects and len(indices) >= 20:
            assert runner.status.is_source_up
            break
    (lost_s, lost), (back_s, back) = events
    assert lost_s - began_s <= stall_s + 0.7
    assert back_s - lost_s <= 2
    assert lost.startswith("source lost, reconnecting: ")
    assert back == "source reconnected"
    expected = {"raises": "cable pulled", "ends": "the source ended"}
    assert runner.status.last_error == expected.get(kind, "no frame for 0.3 s")
    # Numbers and times go on over the loss.
    assert indices == sorted(set(indices))
    assert times_s == sorted(times_s)


def test_the_shipped_stall_is_noticed_within_five_seconds() -> None:
    assert runner_module.STALL_S + 2 * runner_module._TICK_S < 5
    assert (1 + runner_module._JITTER) * runner_module._BACK_OFF_S[1] < 1.5


@pytest.mark.usefixtures("quick_back_off")
def test_a_hundred_losses_leave_no_thread_and_no_file_open(gate: Gate) -> None:
    kinds = ["raises", "ends", "blocks"]
    sources: list[ScriptedSource] = []

    def script() -> Iterator[Frame]:
        kind = kinds[len(sources) % 3]
        yield fresh_frame()
        if kind == "raises":
            raise SourceError("gone")
        if kind == "blocks":
            gate.block(0.08)

    def open_source() -> ScriptedSource:
        sources.append(ScriptedSource(script))
        return sources[-1]

    n_threads, n_files = threading.active_count(), n_descriptors()
    runner = endless(open_source, stall_s=0.03)
    for _ in runner:
        if len(sources) > 100:
            break
    time.sleep(0.2)
    assert runner.status.n_reconnects >= 100
    assert threading.active_count() <= n_threads
    assert n_descriptors() <= n_files
    assert all(source.n_opened == source.n_closed == 1 for source in sources)


@pytest.mark.usefixtures("quick_back_off")
def test_a_source_that_stays_away_for_hours_is_tried_on() -> None:
    opened = count()

    def open_source() -> ScriptedSource:
        number = next(opened)
        if 0 < number < 1500:
            raise SourceError("no route to host")
        return ScriptedSource(counted(3))

    events: list[str] = []
    # Waiting is skipped: a clock that runs ahead.
    ticks = count()
    runner = endless(open_source, on_event=events.append, clock=lambda: next(ticks) * 1.0)
    for result in runner:
        if runner.status.n_reconnects >= 1500:
            assert result is not None
            break
    assert events == ["source lost, reconnecting: the source ended", "source reconnected"]


@pytest.mark.usefixtures("quick_back_off")
def test_reads_that_hang_for_ever_are_not_left_behind_without_limit(gate: Gate) -> None:
    sources: list[ScriptedSource] = []

    def script() -> Iterator[Frame]:
        yield fresh_frame()
        gate.block()

    def open_source() -> ScriptedSource:
        sources.append(ScriptedSource(script))
        return sources[-1]

    events: list[str] = []
    runner = endless(open_source, stall_s=0.02, on_event=events.append)
    states = []

    def look() -> None:
        states.append(runner.status.is_source_up)
        if len(sources) == 5 and len(states) > 15:
            runner.stop()

    runner._on_idle = look
    list(runner)
    assert len(sources) == 5
    assert states[-1] is False
    assert len(events) == 9
    assert events[-1].startswith("source lost, reconnecting: no frame for")
    gate.open()


def test_an_endless_source_that_never_worked_is_told_at_once() -> None:
    def open_source() -> ScriptedSource:
        raise SourceError("no camera 7")

    began_s = time.monotonic()
    with pytest.raises(SourceError, match="no camera 7"):
        list(endless(open_source))
    assert time.monotonic() - began_s < 1
