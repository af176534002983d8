"""Runs of a source through an analysis: one thread reads, and the caller's thread processes."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

from emolens.core.errors import EmolensError, InputError, SourceError
from emolens.core.frame import Frame, FrameResult
from emolens.core.ports import FrameSource, SourceReport
from emolens.core.progress import say_nothing
from emolens.pipeline.buffers import FrameBuffer, FrameCounts
from emolens.pipeline.latency import CAPTURE_TO_RESULT, Latency, StageLatencies

# A camera counts as lost after this time without a frame. Opening may take longer.
STALL_S: Final = 4.0
_OPENING_STALL_S: Final = 12.0
# First and maximum wait before reconnecting; each wait doubles the one before. Jitter keeps many
# clients of one camera from reconnecting simultaneously.
_BACK_OFF_S: Final = (0.25, 1.0)
_JITTER: Final = 0.2
# Time that an idle loop waits for a frame before it checks the source.
_TICK_S: Final = 0.1
# Time that `stop` waits for a blocked read before it leaves the thread to its own timeout.
_JOIN_S: Final = 1.0
# A read that hangs in a driver cannot be interrupted. This limits the threads left behind.
_MAX_HUNG = 4


class Step(Protocol):
    """The interface of `StreamAnalyzer.step`."""

    def __call__(self, frame: Frame, *, dropped_before: int = 0) -> FrameResult:
        """Analyse the next frame."""
        ...


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """The status of a stream.

    Attributes:
        counts: Frame counts by state.
        is_source_up: Whether the source delivers frames.
        n_reconnects: Number of times the source was reopened.
        last_error: Last error of the source; empty if there was none.
        latencies: Latencies by stage, and `CAPTURE_TO_RESULT`.
        warnings: Warnings of the source so far, e.g. about pixels that are not square.
    """

    counts: FrameCounts
    is_source_up: bool
    n_reconnects: int
    last_error: str
    latencies: dict[str, Latency]
    warnings: tuple[str, ...] = ()


class StreamRunner:
    """An iterator over the results of a source, in order.

        with StreamRunner(open_source, analyzer.step, is_live=True) as runner:
            for result in runner:
                ...

    A live source never blocks: a new frame replaces the queued one, and dropped frames are counted.
    Other sources lose no frames. An endless source is reopened when it ends, fails or stalls.

    Args:
        open_source: Opens the source. It is called in the reading thread, again after every loss.
        step: Analyses a frame in the iterating thread.
        is_live: Whether to drop frames instead of blocking the source.
        is_endless: Whether the end of the source counts as a loss.
        on_event: Called in the iterating thread with a message about the source.
        on_idle: Called in the iterating thread about ten times per second while no frames arrive.
        clock: Monotonic clock in seconds, the same as for the source's `captured_at_s`.
        stall_s: Seconds without a frame after which an endless source counts as lost.
    """

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        step: Step,
        *,
        is_live: bool,
        is_endless: bool = False,
        on_event: Callable[[str], None] = say_nothing,
        on_idle: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        stall_s: float = STALL_S,
    ) -> None:
        self._open_source = open_source
        self._step = step
        self._is_live = is_live
        self._is_endless = is_endless
        self._on_event = on_event
        self._on_idle = on_idle
        self._clock = clock
        self._stall_s = stall_s
        self._buffer = FrameBuffer.latest_wins() if is_live else FrameBuffer.lossless()
        self._stopping = threading.Event()
        self._reader: _Reader | None = None
        self._hung: list[_Reader] = []
        self._latencies = StageLatencies()
        self._jitter = random.Random(0)  # noqa: S311 (spreads load, guards nothing)
        self._numbering = threading.Lock()
        self._n_reconnects = self._n_frames = 0
        self._next_wait_s = _BACK_OFF_S[0]
        self._is_up = self._is_loss_reported = False
        self._last_error = ""
        self._began_s: float | None = None

    def __enter__(self) -> "StreamRunner":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def status(self) -> StreamStatus:
        """The current status. This property is thread-safe."""
        return StreamStatus(
            self._buffer.counts(),
            self._is_up,
            self._n_reconnects,
            self._last_error,
            self._latencies.summary(),
            tuple(self._reader.report.warnings) if self._reader else (),
        )

    def request_stop(self) -> None:
        """End the stream after the current frame, without blocking. Safe in a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """End the stream. This method is thread-safe and may be called again.

        It returns within about a second, even if the source blocks in a read.
        """
        self._stopping.set()
        self._buffer.close()
        reader = self._reader
        if reader is not None:
            reader.stop()
            reader.join(_JOIN_S)
        self._is_up = False

    def __iter__(self) -> Iterator[FrameResult]:
        """Yield the results. Leaving the loop stops the source.

        Raises:
            SourceError: The source cannot be opened, or a source that is not endless fails. The
                results before the failure are yielded first.
        """
        if self._stopping.is_set():
            return
        self._reader = self._start_reader()
        try:
            while not self._stopping.is_set():
                taken = self._buffer.take(timeout_s=_TICK_S)
                if taken is None:
                    if self._check_source():
                        return
                    continue
                is_delivered = False
                try:
                    result = self._process(taken.frame, taken.dropped_before)
                    is_delivered = True
                    yield result
                    self._record_delay(taken.frame)
                finally:
                    self._buffer.done(is_delivered=is_delivered)
        finally:
            self.stop()

    def _process(self, frame: Frame, dropped_before: int) -> FrameResult:
        if self._is_loss_reported:
            self._is_loss_reported = False
            self._on_event("source reconnected")
        self._is_up = True
        self._next_wait_s = _BACK_OFF_S[0]
        result = self._step(frame, dropped_before=dropped_before)
        self._latencies.add(result.timings_ms)
        return result

    def _record_delay(self, frame: Frame) -> None:
        self._latencies.add({CAPTURE_TO_RESULT: 1e3 * (self._clock() - frame.captured_at_s)})

    def _check_source(self) -> bool:
        """Handle a source that has ended, failed or stalled. Return True if the stream is over."""
        if self._on_idle:
            self._on_idle()
        reader = self._reader
        if reader is None or self._stopping.is_set():
            return True
        if not reader.is_done:
            self._abandon_if_stalled(reader)
            return False
        # A frame may have arrived just before the thread ended.
        if self._buffer.counts().in_flight:
            return False
        if reader.unexpected is not None:
            raise reader.unexpected
        if not self._is_endless:
            if reader.error is not None:
                raise reader.error
            return True
        if reader.error is not None and not self._n_frames:
            raise reader.error  # the source never worked, so retrying is pointless
        self._reconnect(reader.error)
        return self._stopping.is_set()

    def _abandon_if_stalled(self, reader: "_Reader") -> None:
        if not self._is_endless:
            return
        limit_s = self._stall_s if reader.has_frames else _OPENING_STALL_S
        if self._clock() - max(self._buffer.last_put_s, reader.began_s) < limit_s:
            return
        reader.stop()
        error = SourceError(f"no frame for {limit_s:g} s")
        self._hung = [old for old in self._hung if not old.is_done]
        if len(self._hung) < _MAX_HUNG:
            self._hung.append(reader)
            self._reconnect(error)
        else:
            self._report_loss(error)

    def _reconnect(self, error: EmolensError | None) -> None:
        """Wait, then reopen the source."""
        self._report_loss(error)
        wait_s = self._next_wait_s * (1 + self._jitter.uniform(-_JITTER, _JITTER))
        self._next_wait_s = min(2 * self._next_wait_s, _BACK_OFF_S[1])
        until_s = self._clock() + wait_s
        while self._clock() < until_s and not self._stopping.wait(min(wait_s, _TICK_S)):
            if self._on_idle:
                self._on_idle()
        if not self._stopping.is_set():
            self._n_reconnects += 1
            self._reader = self._start_reader()

    def _report_loss(self, error: EmolensError | None) -> None:
        self._last_error = str(error) if error else "the source ended"
        self._is_up = False
        if not self._is_loss_reported:
            self._is_loss_reported = True
            self._on_event(f"source lost, reconnecting: {self._last_error}")

    def _start_reader(self) -> "_Reader":
        reader = _Reader(
            self._open_source,
            self._enqueue,
            self._buffer.count_lost,
            self._buffer.wake,
            self._clock(),
        )
        reader.start()
        return reader

    def _enqueue(self, frame: object) -> bool:
        """Queue a frame. Frames of endless sources are numbered in order of arrival."""
        if not isinstance(frame, Frame):
            raise InputError(
                f"the source yields objects of type {type(frame).__name__}; allowed: Frame"
            )
        # An abandoned connection may recover while the next one already delivers frames.
        with self._numbering:
            if self._is_endless:
                if self._began_s is None:
                    self._began_s = frame.captured_at_s
                at_s = frame.captured_at_s - self._began_s
                frame = replace(frame, index=self._n_frames, media_time_s=at_s)
            self._n_frames += 1
            return self._buffer.put(frame)


class _Reader:
    """A thread that opens a source once and reads its frames."""

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        enqueue: Callable[[Frame], bool],
        count_lost: Callable[[int], None],
        on_end: Callable[[], None],
        began_s: float,
    ) -> None:
        self._open_source = open_source
        self._enqueue = enqueue
        self._count_lost = count_lost
        self._on_end = on_end
        self.began_s = began_s
        self.has_frames = False
        self.report = SourceReport()
        self._source: FrameSource | None = None
        self._n_lost = 0
        self.error: EmolensError | None = None
        self.unexpected: BaseException | None = None
        self._stopping, self._ended = threading.Event(), threading.Event()
        # A daemon thread, so that a read that hangs in a driver does not block process exit.
        self._thread = threading.Thread(target=self._run, name="emolens-reader", daemon=True)

    @property
    def is_done(self) -> bool:
        return self._ended.is_set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        source = self._source
        if source is not None:
            source.interrupt()

    def join(self, timeout_s: float) -> None:
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._read()
        except EmolensError as error:
            self.error = error
        # The root of a thread: any error is raised again in the iterating thread.
        except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
            self.unexpected = error
        finally:
            self._ended.set()
            self._on_end()

    def _read(self) -> None:
        with self._open_source() as source:
            self._source, self.report = source, source.report
            if self._stopping.is_set():
                return
            try:
                for frame in source:
                    if self._stopping.is_set():
                        return
                    self.has_frames = True
                    self._count_new_losses()
                    if not self._enqueue(frame):
                        return
            finally:
                self._count_new_losses()

    def _count_new_losses(self) -> None:
        """Count the frames dropped by the source since the last call."""
        # Read the number once, because another thread may increase it.
        n_dropped = self.report.n_dropped
        self._count_lost(n_dropped - self._n_lost)
        self._n_lost = n_dropped
