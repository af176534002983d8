"""Recorded sources that play in real time, like a camera."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Self

from emolens.core.frame import Frame
from emolens.core.ports import FrameSource, SourceReport


class PacedSource:
    """A source that yields each frame of another source at its `media_time_s`, from the first one.

    Implements `emolens.core.ports.FrameSource`.

    Args:
        source: The recorded source. It is closed with this one.
        clock: Monotonic clock in seconds.
    """

    def __init__(self, source: FrameSource, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._closed = threading.Event()

    def interrupt(self) -> None:
        """Stop waiting and yield no more frames."""
        self.close()
        self._source.interrupt()

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._source.__exit__(None, None, None)

    def close(self) -> None:
        """Stop waiting and yield no more frames. Closing it again has no effect."""
        self._closed.set()

    @property
    def report(self) -> SourceReport:
        """The report of the recorded source."""
        return self._source.report

    def __iter__(self) -> Iterator[Frame]:
        offset_s: float | None = None
        for frame in self._source:
            if offset_s is None:
                offset_s = self._clock() - frame.media_time_s
            if self._closed.wait(max(0.0, frame.media_time_s + offset_s - self._clock())):
                return
            yield replace(frame, captured_at_s=self._clock())
