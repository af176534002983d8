"""A recorded source that gives its frames when they are due, as a camera would."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Self

from emolens.core.frame import Frame
from emolens.core.ports import FrameSource, SourceReport


class PacedSource:
    """Gives each frame of another source at its `media_time_s`, counted from the first one.

    Implements `emolens.core.ports.FrameSource`.

    Args:
        source: What to slow down; closed with this.
        clock: Gives seconds on a monotonic clock.
    """

    def __init__(self, source: FrameSource, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._closed = threading.Event()

    def interrupt(self) -> None:
        """Wait no more and give no more frames."""
        self.close()
        self._source.interrupt()

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._source.__exit__(None, None, None)

    def close(self) -> None:
        """Wait no more and give no more frames; twice is no error."""
        self._closed.set()

    @property
    def report(self) -> SourceReport:
        """What the source within has to say."""
        return self._source.report

    def __iter__(self) -> Iterator[Frame]:
        ahead_s: float | None = None
        for frame in self._source:
            if ahead_s is None:
                ahead_s = self._clock() - frame.media_time_s
            if self._closed.wait(max(0.0, frame.media_time_s + ahead_s - self._clock())):
                return
            yield replace(frame, captured_at_s=self._clock())
