"""The frame queue between a source and the analysis, with exact counts."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from emolens.core.errors import ConfigError
from emolens.core.frame import Frame


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Frame counts by state; `captured = processed + dropped + in_flight` always holds.

    Attributes:
        captured: Frames from the source.
        processed: Frames with a delivered result.
        dropped: Frames that were replaced by newer ones, left over at the end, or lost to a failed
            analysis.
        in_flight: Frames that are queued or being processed.
    """

    captured: int = 0
    processed: int = 0
    dropped: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame taken from the queue.

    Attributes:
        frame: The frame.
        dropped_before: Frames dropped since the previous one was taken.
    """

    frame: Frame
    dropped_before: int


class FrameBuffer:
    """A thread-safe queue from the reading thread to the processing thread.

    Args:
        capacity: Maximum number of queued frames.
        drops_oldest: Whether a frame replaces the oldest one if the queue is full (live sources),
            or blocks until there is space (files).
        clock: Monotonic clock in seconds.

    Raises:
        ConfigError: `capacity` is below 1.
    """

    def __init__(
        self,
        *,
        capacity: int,
        drops_oldest: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if capacity < 1:
            raise ConfigError(f"capacity is {capacity}; allowed: 1 frame or more")
        self._capacity = capacity
        self._drops_oldest = drops_oldest
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[Frame] = deque()
        self._captured = self._processed = self._dropped = 0
        self._dropped_when_taken = 0
        self._n_taken = self._n_blocked = 0
        self._is_closed = self._is_woken = False
        self._last_put_s = clock()

    @classmethod
    def latest_wins(cls) -> Self:
        """Create a queue of one frame, which a newer frame replaces."""
        return cls(capacity=1, drops_oldest=True)

    @classmethod
    def lossless(cls, capacity: int = 4) -> Self:
        """Create a short queue that blocks the reader while it is full."""
        return cls(capacity=capacity, drops_oldest=False)

    @property
    def last_put_s(self) -> float:
        """Time of the last frame, or of the creation of the buffer, on the buffer's clock."""
        with self._changed:
            return self._last_put_s

    def put(self, frame: Frame) -> bool:
        """Queue a frame. Return False and drop it if the buffer is closed."""
        with self._changed:
            self._captured += 1
            if not self._drops_oldest:
                self._n_blocked += 1
                self._changed.wait_for(lambda: self._is_closed or not self._is_full())
                self._n_blocked -= 1
            # Set after the wait, so that a blocked source does not count as stalled.
            self._last_put_s = self._clock()
            if self._is_closed:
                self._dropped += 1
                return False
            if self._is_full():
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(frame)
            self._changed.notify_all()
            return True

    def take(self, *, timeout_s: float) -> Taken | None:
        """Take the oldest frame, or return None on a timeout or if the buffer is closed.

        The frame counts as in flight until `done` is called.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._is_closed or self._is_woken, timeout_s
            )
            if not self._waiting:
                self._is_woken = False
                return None
            frame = self._waiting.popleft()
            self._n_taken += 1
            dropped_before = self._dropped - self._dropped_when_taken
            self._dropped_when_taken = self._dropped
            self._changed.notify_all()
            return Taken(frame, dropped_before)

    def count_lost(self, n_frames: int) -> None:
        """Count frames that the source captured and dropped itself."""
        with self._changed:
            self._captured += n_frames
            self._dropped += n_frames

    def done(self, *, is_delivered: bool = True) -> None:
        """Count the frame taken last as processed, or as dropped if it has no result."""
        with self._changed:
            self._n_taken -= 1
            if is_delivered:
                self._processed += 1
            else:
                self._dropped += 1

    def close(self) -> None:
        """Drop queued frames, refuse new ones and wake both threads. It may be called again."""
        with self._changed:
            self._is_closed = True
            self._dropped += len(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()

    def counts(self) -> FrameCounts:
        """Return a consistent snapshot of all counts."""
        with self._changed:
            in_flight = len(self._waiting) + self._n_taken + self._n_blocked
            return FrameCounts(self._captured, self._processed, self._dropped, in_flight)

    def wake(self) -> None:
        """Make a blocked `take` return, e.g. because the source has ended."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._capacity
