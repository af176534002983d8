"""The only queue between a source and the analysis, and an exact count of what passes it."""

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
    """How many frames are where; `captured = processed + dropped + in_flight` always holds.

    Attributes:
        captured: Frames that the source gave.
        processed: Frames whose result was delivered.
        dropped: Frames that were replaced by newer ones, left over at the end, or had no result
            because the analysis failed.
        in_flight: Frames that wait or are being processed.
    """

    captured: int = 0
    processed: int = 0
    dropped: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame for the analysis.

    Attributes:
        frame: The frame.
        dropped_before: Frames dropped since the one taken before.
    """

    frame: Frame
    dropped_before: int


class FrameBuffer:
    """Hands frames from the thread that reads them to the one that processes them.

    Args:
        capacity: Frames that may wait.
        drops_oldest: What happens to a frame that finds the buffer full: it takes the place of the
            oldest (live images: what is new counts) or waits (files: nothing is lost).
        clock: Gives seconds on a monotonic clock.

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
            raise ConfigError(f"a buffer holds at least 1 frame, got {capacity}")
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
        """One slot; a newer frame takes the place of the one that waits."""
        return cls(capacity=1, drops_oldest=True)

    @classmethod
    def lossless(cls, capacity: int = 4) -> Self:
        """A short queue; who reads waits for who processes."""
        return cls(capacity=capacity, drops_oldest=False)

    @property
    def last_put_s(self) -> float:
        """When the last frame came, or the buffer was made, on the buffer's clock."""
        with self._changed:
            return self._last_put_s

    def put(self, frame: Frame) -> bool:
        """Add a frame; returns False, the frame being dropped, when the buffer is closed."""
        with self._changed:
            self._captured += 1
            if not self._drops_oldest:
                self._n_blocked += 1
                self._changed.wait_for(lambda: self._is_closed or not self._is_full())
                self._n_blocked -= 1
            # After the wait: time that a source was kept waiting says nothing against it.
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
        """Take the oldest frame, or None when none came in time or the buffer is closed.

        The frame counts as in flight until `done`.
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
        """Note frames that the source captured and dropped itself."""
        with self._changed:
            self._captured += n_frames
            self._dropped += n_frames

    def done(self, *, is_delivered: bool = True) -> None:
        """Note that the frame taken before has its result, or that there will be none."""
        with self._changed:
            self._n_taken -= 1
            if is_delivered:
                self._processed += 1
            else:
                self._dropped += 1

    def close(self) -> None:
        """Drop what waits and refuse what comes; both sides wake up. Closing twice is no error."""
        with self._changed:
            self._is_closed = True
            self._dropped += len(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()

    def counts(self) -> FrameCounts:
        """All four numbers of one moment."""
        with self._changed:
            in_flight = len(self._waiting) + self._n_taken + self._n_blocked
            return FrameCounts(self._captured, self._processed, self._dropped, in_flight)

    def wake(self) -> None:
        """Let a waiting `take` return, e.g. because the source has ended."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._capacity
