"""Sources that misbehave as told, for tests of what reads them."""

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Self

import numpy as np

from emolens.core.frame import Frame, FrameResult
from emolens.core.ports import FrameSource, SourceReport
from emolens.pipeline.runner import StreamRunner

IMAGE = np.zeros((4, 4, 3), np.uint8)


def fresh_frame(index: int = 0) -> Frame:
    """A frame that was captured now, with an image of its own."""
    return Frame(IMAGE.copy(), index=index, media_time_s=index / 30, captured_at_s=time.monotonic())


def empty_result(frame: Frame, *, dropped_before: int = 0) -> FrameResult:
    """A step that finds nothing."""
    return FrameResult(
        frame.size_wh,
        (),
        frame_index=frame.index,
        media_time_s=frame.media_time_s,
        dropped_before=dropped_before,
        frame_reference=weakref.ref(frame),
    )


class ScriptedSource:
    """Gives what a function gives, holds a file open meanwhile and warnings that it was closed."""

    def __init__(self, script: Callable[[], Iterable[Frame]]) -> None:
        self.report = SourceReport()
        self._script = script
        self._file: IO[bytes] | None = None
        self.n_opened = self.n_closed = 0

    def interrupt(self) -> None:
        """It waits as its script does."""

    def __enter__(self) -> Self:
        self._file = open("/dev/null", "rb")
        self.n_opened += 1
        return self

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        self._file.close()
        self.n_closed += 1

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._script())


def counted(n_frames: int, *, pause_s: float = 0.0) -> Callable[[], Iterator[Frame]]:
    """A script of so many frames."""

    def script() -> Iterator[Frame]:
        for index in range(n_frames):
            time.sleep(pause_s)
            yield fresh_frame(index)

    return script


class Gate:
    """Lets reads block, and lets them go on at the end of a test."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self.is_reached = threading.Event()

    def block(self, timeout_s: float = 30.0) -> None:
        """Wait until the gate is opened."""
        self.is_reached.set()
        self._opened.wait(timeout_s)

    def open(self) -> None:
        """Let all go on."""
        self._opened.set()


def n_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def balance(runner: StreamRunner) -> int:
    counts = runner.status.counts
    return counts.captured - counts.processed - counts.dropped - counts.in_flight


def endless(
    open_source: Callable[[], FrameSource], *, stall_s: float = 0.1, **options: object
) -> StreamRunner:
    return StreamRunner(
        open_source,
        empty_result,
        is_live=True,
        is_endless=True,
        stall_s=stall_s,
        **options,  # type: ignore[arg-type]  # a test's own
    )
