"""A source and an analysis brought together: one thread reads, the caller's own processes."""

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
from emolens.pipeline.latency import Latency, StageLatencies

# A camera that gives nothing for so long is down; some take most of this to open.
STALL_S: Final = 4.0
_OPENING_STALL_S: Final = 12.0
# Waits between attempts: doubling from the first to the last, each a little random so that many
# clients of one camera do not come back at the same moment.
_BACK_OFF_S: Final = (0.25, 1.0)
_JITTER: Final = 0.2
# How long an idle loop waits for a frame before it looks around.
_TICK_S: Final = 0.1
# How long `stop` waits for a read that blocks before it leaves that thread to its own time-out.
_JOIN_S: Final = 1.0
# Reads that hang in a driver cannot be ended from outside; no more than these are left behind.
_MAX_HUNG = 4


class Step(Protocol):
    """What `StreamAnalyzer.step` is."""

    def __call__(self, frame: Frame, *, dropped_before: int = 0) -> FrameResult:
        """Take the next frame and give its result."""
        ...


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How a stream is doing.

    Attributes:
        counts: How many frames are where.
        is_source_up: Whether the source gives frames.
        n_reconnects: How often the source was opened again.
        last_error: What the source last failed with; empty if it never did.
        latencies: Per stage, and as `"age"` from capture to delivered result.
        warnings: What the source had to say so far, e.g. that its pixels are not square.
    """

    counts: FrameCounts
    is_source_up: bool
    n_reconnects: int
    last_error: str
    latencies: dict[str, Latency]
    warnings: tuple[str, ...] = ()


class StreamRunner:
    """Runs frames of a source through an analysis, in order, and gives one result after the other.

        with StreamRunner(open_source, analyzer.step, is_live=True) as runner:
            for result in runner:
                ...

    A live source never waits: a frame that comes while another is processed takes the place of the
    one that waits, and every frame that is dropped is counted. Other sources lose nothing. A source
    that should never end (`is_endless`) is opened again when it ends, fails or falls silent.

    Args:
        open_source: Opens the source; called in the reading thread, again after every loss.
        step: What is done with a frame, in the thread that iterates.
        is_live: Whether frames are dropped rather than waited for.
        is_endless: Whether the end of the source is a loss.
        on_event: Told what happens to the source, in the thread that iterates.
        on_idle: Called about ten times a second while no frame comes, in the thread that iterates.
        clock: Gives seconds on a monotonic clock, as the source's `captured_at_s` does.
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
        self._is_up = self._is_loss_told = False
        self._last_error = ""
        self._began_s: float | None = None

    def __enter__(self) -> "StreamRunner":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def status(self) -> StreamStatus:
        """How the stream is doing; may be asked from any thread."""
        return StreamStatus(
            self._buffer.counts(),
            self._is_up,
            self._n_reconnects,
            self._last_error,
            self._latencies.summary(),
            tuple(self._reader.report.warnings) if self._reader else (),
        )

    def request_stop(self) -> None:
        """End the stream after the frame at hand, without waiting; safe in a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """End the stream, from any thread; twice is no error.

        Returns within about a second even where the source blocks in a read.
        """
        self._stopping.set()
        self._buffer.close()
        reader = self._reader
        if reader is not None:
            reader.stop()
            reader.join(_JOIN_S)
        self._is_up = False

    def __iter__(self) -> Iterator[FrameResult]:
        """Give the results; leaving the loop stops the source.

        Raises:
            SourceError: The source cannot be opened, or one that is not endless fails on its way;
                the results before it have been given then.
        """
        if self._stopping.is_set():
            return
        self._reader = self._start_reader()
        try:
            while not self._stopping.is_set():
                taken = self._buffer.take(timeout_s=_TICK_S)
                if taken is None:
                    if self._look_around():
                        return
                    continue
                is_delivered = False
                try:
                    result = self._process(taken.frame, taken.dropped_before)
                    is_delivered = True
                    yield result
                    self._note_age(taken.frame)
                finally:
                    self._buffer.done(is_delivered=is_delivered)
        finally:
            self.stop()

    def _process(self, frame: Frame, dropped_before: int) -> FrameResult:
        if self._is_loss_told:
            self._is_loss_told = False
            self._on_event("source is back")
        self._is_up = True
        self._next_wait_s = _BACK_OFF_S[0]
        result = self._step(frame, dropped_before=dropped_before)
        self._latencies.add(result.timings_ms)
        return result

    def _note_age(self, frame: Frame) -> None:
        self._latencies.add({"age": 1e3 * (self._clock() - frame.captured_at_s)})

    def _look_around(self) -> bool:
        """No frame came: has the source ended, failed or fallen silent? True when all is over."""
        if self._on_idle:
            self._on_idle()
        reader = self._reader
        if reader is None or self._stopping.is_set():
            return True
        if not reader.is_done:
            self._leave_if_silent(reader)
            return False
        # Between the last put and the end of the thread a frame may have come.
        if self._buffer.counts().in_flight:
            return False
        if reader.unexpected is not None:
            raise reader.unexpected
        if not self._is_endless:
            if reader.error is not None:
                raise reader.error
            return True
        if reader.error is not None and not self._n_frames:
            raise reader.error  # it never worked: waiting would not help
        self._reconnect(reader.error)
        return self._stopping.is_set()

    def _leave_if_silent(self, reader: "_Reader") -> None:
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
            self._note_loss(error)

    def _reconnect(self, error: EmolensError | None) -> None:
        """Wait and open the source again."""
        self._note_loss(error)
        wait_s = self._next_wait_s * (1 + self._jitter.uniform(-_JITTER, _JITTER))
        self._next_wait_s = min(2 * self._next_wait_s, _BACK_OFF_S[1])
        until_s = self._clock() + wait_s
        while self._clock() < until_s and not self._stopping.wait(min(wait_s, _TICK_S)):
            if self._on_idle:
                self._on_idle()
        if not self._stopping.is_set():
            self._n_reconnects += 1
            self._reader = self._start_reader()

    def _note_loss(self, error: EmolensError | None) -> None:
        self._last_error = str(error) if error else "the source ended"
        self._is_up = False
        if not self._is_loss_told:
            self._is_loss_told = True
            self._on_event(f"source lost: {self._last_error}; trying again")

    def _start_reader(self) -> "_Reader":
        reader = _Reader(
            self._open_source,
            self._take_in,
            self._buffer.count_lost,
            self._buffer.wake,
            self._clock(),
        )
        reader.start()
        return reader

    def _take_in(self, frame: object) -> bool:
        """Number a frame in the order it came, whichever connection it came from."""
        if not isinstance(frame, Frame):
            raise InputError(f"a source has to give frames, got {type(frame).__name__}")
        # A connection that was given up may come back to life while the next one gives frames.
        with self._numbering:
            if self._is_endless:
                if self._began_s is None:
                    self._began_s = frame.captured_at_s
                at_s = frame.captured_at_s - self._began_s
                frame = replace(frame, index=self._n_frames, media_time_s=at_s)
            self._n_frames += 1
            return self._buffer.put(frame)


class _Reader:
    """The thread that reads one opening of a source."""

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        take_in: Callable[[Frame], bool],
        count_lost: Callable[[int], None],
        on_end: Callable[[], None],
        began_s: float,
    ) -> None:
        self._open_source = open_source
        self._take_in = take_in
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
        # A read that hangs in a driver must not keep the process from ending.
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
        # A thread root: whatever a source raises is raised again where results are taken.
        except BaseException as error:  # noqa: BLE001
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
                    self._note_lost()
                    if not self._take_in(frame):
                        return
            finally:
                self._note_lost()

    def _note_lost(self) -> None:
        """Count what the source has dropped since; another thread may add to it meanwhile."""
        n_dropped = self.report.n_dropped
        self._count_lost(n_dropped - self._n_lost)
        self._n_lost = n_dropped
