"""Frames that come from outside: whoever has them hands them over, from any thread."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError
from emolens.core.frame import Frame
from emolens.core.ports import SourceReport


class PushSource:
    """A source that is fed: `push` an image whenever there is one, `close` when there are no more.

    Implements `emolens.core.ports.FrameSource`. `push` never waits. Where more images wait than
    there is room for, the newest count: the oldest is dropped, and counted in `report.n_dropped`.
    Made for one run; closed, it gives what waits and ends.

    Args:
        name: What to call it in results.
        capacity: Images that may wait.
        clock: Gives seconds on a monotonic clock.

    Raises:
        ConfigError: `capacity` is below 1.
    """

    def __init__(
        self,
        name: str = "pushed",
        *,
        capacity: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if capacity < 1:
            raise ConfigError(f"a push source has room for at least 1 image, got {capacity}")
        self.report = SourceReport(is_live=True)
        self._name = name
        self._capacity = capacity
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[Frame] = deque()
        self._began_s: float | None = None
        self._n_pushed = 0
        self._is_closed = False

    def push(self, image: npt.NDArray[np.uint8], *, captured_at_s: float | None = None) -> bool:
        """Hand over an image; safe from any thread.

        Args:
            image: uint8 (H, W, 3), BGR. Not copied: leave it alone from then on.
            captured_at_s: When it was captured, on the clock of this source; now unless given.
                `media_time_s` is counted from the first image.

        Returns:
            False, and the image is not taken, once the source is closed.

        Raises:
            InputError: Not an image of that kind.
        """
        at_s = self._clock() if captured_at_s is None else captured_at_s
        with self._changed:
            if self._is_closed:
                return False
            began_s = at_s if self._began_s is None else self._began_s
            frame = Frame(
                image,
                index=self._n_pushed,
                media_time_s=at_s - began_s,
                captured_at_s=at_s,
                source_id=self._name,
            )
            self._began_s = began_s
            self._n_pushed += 1
            if len(self._waiting) == self._capacity:
                self._waiting.popleft()
                self.report.n_dropped += 1
            self._waiting.append(frame)
            self._changed.notify_all()
        return True

    def close(self) -> None:
        """Take no more images; twice is no error, and any thread may do it."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Take no more images, and drop those that wait: nobody will read them."""
        with self._changed:
            self.report.n_dropped += len(self._waiting)
            self._waiting.clear()
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                frame = self._waiting.popleft()
            yield frame
