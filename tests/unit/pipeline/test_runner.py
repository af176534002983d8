import threading
import time
import weakref
from collections.abc import Iterator
from itertools import count, pairwise

import numpy as np
import pytest

from emolens.core.errors import EmolensError, InputError, OutputError, ProcessingError, SourceError
from emolens.core.frame import Frame, FrameResult
from emolens.pipeline.latency import CAPTURE_TO_RESULT
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.testing import (
    Actor,
    FakeClassifier,
    MarkDetector,
    SlowClassifier,
    SyntheticSource,
    marked_image,
)
from tests.unit.pipeline.sources import (
    Gate,
    ScriptedSource,
    balance,
    counted,
    empty_result,
    endless,
    fresh_frame,
    n_descriptors,
)

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]


def test_a_source_with_an_end_gives_every_frame_once_in_order() -> None:
    source = ScriptedSource(counted(50))
    runner = StreamRunner(lambda: source, empty_result, is_live=False)
    assert [result.frame_index for result in runner] == list(range(50))
    counts = runner.status.counts
    assert (counts.captured, counts.processed, counts.dropped, counts.in_flight) == (50, 50, 0, 0)
    assert (source.n_opened, source.n_closed) == (1, 1)
    assert not runner.status.is_source_up
    assert runner.status.latencies[CAPTURE_TO_RESULT].n == 50


def test_the_end_of_a_source_is_noticed_at_once() -> None:
    runner = StreamRunner(lambda: ScriptedSource(counted(3)), empty_result, is_live=False)
    began_s = time.monotonic()
    assert len(list(runner)) == 3
    assert time.monotonic() - began_s < 0.5


def test_a_live_source_is_never_waited_for_and_drops_are_told() -> None:
    def slow(frame: Frame, *, dropped_before: int = 0) -> FrameResult:
        time.sleep(0.02)
        return empty_result(frame, dropped_before=dropped_before)

    source = ScriptedSource(counted(100, pause_s=0.002))
    runner = StreamRunner(lambda: source, slow, is_live=True)
    results = list(runner)
    indices = [result.frame_index for result in results]
    assert indices == sorted(set(indices))
    assert indices[-1] == 99
    assert 5 < len(results) < 50
    told = sum(result.dropped_before for result in results)
    assert told == runner.status.counts.dropped == 100 - len(results)
    for before, after in pairwise(results):
        assert after.frame_index - before.frame_index == after.dropped_before + 1


def test_results_are_fresh_though_the_classifier_is_slow() -> None:
    """G1: 30 frames a second, 5 classifications a second: nothing queues up."""
    delay_s, rate_hz, until_s = 0.2, 30.0, 8.0
    actor = Actor(marked_image(0, brightness=80), lambda at_s: (160 + 20 * np.sin(at_s), 120, 90))
    analyzer = StreamAnalyzer(
        MarkDetector(), SlowClassifier(FakeClassifier(), delay_s=delay_s), settings=StreamSettings()
    )
    source = SyntheticSource(
        [actor], size_wh=(320, 240), rate_hz=rate_hz, duration_s=until_s, is_live=True
    )
    ages_s, n_scored = [], 0
    runner = StreamRunner(lambda: source, analyzer.step, is_live=True)
    for result in runner:
        ages_s.append(time.monotonic() - result.frame.captured_at_s)
        n_scored += "classification" in result.timings_ms
        assert balance(runner) == 0
    assert n_scored >= 0.8 * until_s / delay_s
    assert np.quantile(ages_s, 0.95) <= 1 / rate_hz + 1.5 * delay_s
    # And they do not get older: no more than 1 ms a minute would be too little to be measured here.
    third = len(ages_s) // 3
    assert np.median(ages_s[-third:]) <= np.median(ages_s[:third]) + 0.05
    assert runner.status.counts.dropped > 100


@pytest.mark.parametrize("is_stopped", [False, True])
@pytest.mark.parametrize("is_live", [False, True])
def test_frames_are_accounted_for_at_every_moment(is_live: bool, is_stopped: bool) -> None:
    """G2: captured = processed + dropped + in flight, as another thread sees it."""
    source = ScriptedSource(counted(3000))
    runner = StreamRunner(lambda: source, empty_result, is_live=is_live)
    balances, is_over = [], threading.Event()

    def scrape() -> None:
        while not is_over.is_set():
            balances.append(balance(runner))

    scraper = threading.Thread(target=scrape)
    scraper.start()
    for number, _ in enumerate(runner):
        if is_stopped and number == 100:
            runner.stop()
    is_over.set()
    scraper.join()
    assert len(balances) > 10
    assert set(balances) == {0}
    counts = runner.status.counts
    assert counts.in_flight == 0
    assert counts.captured == counts.processed + counts.dropped
    assert is_stopped or counts.captured == 3000


@pytest.mark.parametrize("is_live", [False, True])
def test_results_before_a_failure_are_given(is_live: bool) -> None:
    def script() -> Iterator[Frame]:
        for index in range(3):
            yield fresh_frame(index)
            time.sleep(0.03)
        raise SourceError("the rest is damaged")

    results = []
    with pytest.raises(SourceError, match="the rest is damaged"):
        for result in StreamRunner(lambda: ScriptedSource(script), empty_result, is_live=is_live):
            results.append(result.frame_index)  # noqa: PERF401 (kept when the loop raises)
    assert results == [0, 1, 2]


@pytest.mark.parametrize("is_endless", [False, True])
@pytest.mark.parametrize("error", [ZeroDivisionError("oh"), MemoryError(), KeyError("pts")])
def test_errors_of_a_source_come_through_unchanged(error: Exception, is_endless: bool) -> None:
    def script() -> Iterator[Frame]:
        yield fresh_frame()
        raise error

    source = ScriptedSource(script)
    runner = StreamRunner(lambda: source, empty_result, is_live=True, is_endless=is_endless)
    with pytest.raises(type(error)) as caught:
        list(runner)
    assert caught.value is error
    assert source.n_closed == 1


def test_what_is_no_frame_is_refused() -> None:
    source = ScriptedSource(lambda: [np.zeros((4, 4, 3), np.uint8)])  # type: ignore[list-item]
    with pytest.raises(InputError, match="yields objects of type ndarray; allowed: Frame"):
        list(StreamRunner(lambda: source, empty_result, is_live=False))


@pytest.mark.parametrize("error", [ProcessingError("model failed"), RuntimeError("bug")])
@pytest.mark.parametrize("is_live", [False, True])
def test_a_stage_that_raises_ends_the_stream_and_closes_the_source(
    error: Exception, is_live: bool
) -> None:
    def failing(frame: Frame, *, dropped_before: int = 0) -> FrameResult:
        if frame.index >= 2:
            raise error
        return empty_result(frame)

    source = ScriptedSource(counted(10**6, pause_s=0.001))
    runner = StreamRunner(lambda: source, failing, is_live=is_live)
    n_threads = threading.active_count()
    with pytest.raises(type(error)) as caught:
        list(runner)
    assert caught.value is error
    assert source.n_closed == 1
    assert threading.active_count() <= n_threads
    assert balance(runner) == 0
    counts = runner.status.counts
    assert counts.in_flight == 0
    # The frame that had no result does not count as processed.
    assert counts.processed <= 2


@pytest.mark.parametrize("error", [OutputError("disk full"), EmolensError("else")])
def test_a_sink_that_raises_in_the_loop_ends_the_stream(error: Exception) -> None:
    source = ScriptedSource(counted(10**6))

    def use() -> None:
        for result in StreamRunner(lambda: source, empty_result, is_live=False):
            if result.frame_index == 5:
                raise error

    with pytest.raises(type(error)):
        use()
    assert source.n_closed == 1


@pytest.mark.parametrize("is_live", [False, True])
def test_leaving_the_loop_closes_the_source(is_live: bool) -> None:
    n_threads, n_files = threading.active_count(), n_descriptors()
    source = ScriptedSource(counted(10**6, pause_s=0.001))
    runner = StreamRunner(lambda: source, empty_result, is_live=is_live)
    for result in runner:
        if result.frame_index >= 3:
            break
    assert source.n_closed == 1
    assert threading.active_count() <= n_threads
    assert n_descriptors() <= n_files
    assert runner.status.counts.in_flight == 0


@pytest.mark.parametrize("is_live", [False, True])
def test_stopping_twice_and_from_inside(is_live: bool) -> None:
    source = ScriptedSource(counted(10**6))
    with StreamRunner(lambda: source, empty_result, is_live=is_live) as runner:
        for result in runner:
            if result.frame_index >= 3:
                runner.stop()
                runner.stop()
    runner.stop()
    assert source.n_closed == 1
    assert list(runner) == []
    assert source.n_opened == 1


def test_stopping_from_another_thread() -> None:
    source = ScriptedSource(counted(10**6, pause_s=0.001))
    runner = StreamRunner(lambda: source, empty_result, is_live=True)
    threading.Timer(0.2, runner.stop).start()
    began_s = time.monotonic()
    assert list(runner)
    assert time.monotonic() - began_s < 2


def test_stopping_while_the_buffer_is_full_and_the_source_waits() -> None:
    source = ScriptedSource(counted(10**6))
    runner = StreamRunner(lambda: source, empty_result, is_live=False)
    results = iter(runner)
    next(results)
    while runner.status.counts.in_flight < 6:
        time.sleep(0.001)
    began_s = time.monotonic()
    runner.stop()
    assert time.monotonic() - began_s < 0.5
    assert source.n_closed == 1
    assert list(results) == []
    assert runner.status.counts.in_flight == 0
    assert balance(runner) == 0


@pytest.mark.parametrize("is_endless", [False, True])
def test_stopping_inside_a_read_that_blocks_takes_less_than_two_seconds(
    gate: Gate, is_endless: bool
) -> None:
    def script() -> Iterator[Frame]:
        yield fresh_frame()
        gate.block()

    runner = StreamRunner(
        lambda: ScriptedSource(script), empty_result, is_live=True, is_endless=is_endless
    )
    ended = threading.Event()

    def loop() -> None:
        list(runner)
        ended.set()

    threading.Thread(target=loop, daemon=True).start()
    gate.is_reached.wait(5)
    began_s = time.monotonic()
    runner.stop()
    assert time.monotonic() - began_s <= 2
    assert ended.wait(2)
    assert not runner.status.is_source_up


def test_stopping_while_the_source_is_being_opened(gate: Gate) -> None:
    def open_source() -> ScriptedSource:
        gate.block()
        return ScriptedSource(counted(1))

    runner = endless(open_source)
    threading.Timer(0.2, runner.stop).start()
    began_s = time.monotonic()
    assert list(runner) == []
    assert time.monotonic() - began_s < 2


@pytest.mark.usefixtures("quick_back_off")
def test_stopping_while_the_source_is_away() -> None:
    opened = count()

    def open_source() -> ScriptedSource:
        if next(opened):
            raise SourceError("away")
        return ScriptedSource(counted(1))

    runner = endless(open_source)
    threading.Timer(0.3, runner.stop).start()
    assert len(list(runner)) == 1


def test_a_callback_runs_while_no_frame_arrives(gate: Gate) -> None:
    calls = []

    def script() -> Iterator[Frame]:
        gate.block()
        yield fresh_frame()

    def on_idle() -> None:
        calls.append(time.monotonic())
        if len(calls) == 5:
            gate.open()

    runner = StreamRunner(
        lambda: ScriptedSource(script), empty_result, is_live=True, on_idle=on_idle
    )
    assert len(list(runner)) == 1
    assert 4 <= len(calls) <= 7
    assert calls[4] - calls[0] < 1


def test_an_error_while_idle_comes_through_and_closes_the_source(gate: Gate) -> None:
    class StoppedError(Exception):
        pass

    def on_idle() -> None:
        gate.open()
        raise StoppedError

    def script() -> Iterator[Frame]:
        gate.block()
        yield from ()

    source = ScriptedSource(script)
    with pytest.raises(StoppedError):
        list(StreamRunner(lambda: source, empty_result, is_live=True, on_idle=on_idle))
    assert source.n_closed == 1


def test_a_consumer_slower_than_the_stall_is_no_loss_of_the_source() -> None:
    source = ScriptedSource(counted(10**6, pause_s=0.01))
    for is_live in (True, False):
        runner = StreamRunner(
            lambda: source, empty_result, is_live=is_live, is_endless=True, stall_s=0.2
        )
        for number, _ in enumerate(runner):
            if number < 2:
                time.sleep(0.5)
            if number == 20:
                break
        assert runner.status.n_reconnects == 0


def test_one_frame_is_held_at_a_time() -> None:
    frames: list[weakref.ref[Frame]] = []

    def script() -> Iterator[Frame]:
        for index in range(200):
            frame = fresh_frame(index)
            frames.append(weakref.ref(frame))
            yield frame
            del frame

    alive = 0
    for _ in StreamRunner(lambda: ScriptedSource(script), empty_result, is_live=False):
        alive = max(alive, sum(reference() is not None for reference in frames))
    # The one in the loop, four that wait, one in the hand of the reader, one being made.
    assert alive <= 7
    assert not any(reference() is not None for reference in frames)


def test_status_before_anything() -> None:
    status = StreamRunner(lambda: ScriptedSource(counted(1)), empty_result, is_live=True).status
    assert (status.counts.captured, status.n_reconnects, status.last_error) == (0, 0, "")
    assert not status.is_source_up
