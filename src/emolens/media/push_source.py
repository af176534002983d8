"""A source whose images are pushed by the caller, from any thread."""

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
    """A source fed by the caller: `push` each new image, and `close` after the last one.

    Implements `emolens.core.ports.FrameSource`. `push` never blocks. If the queue is full, the
    oldest image is dropped and counted in `report.n_dropped`. A source serves one run: after
    `close` it yields the queued images and ends.

    Args:
        name: Name of the source in results.
        capacity: Maximum number of queued images.
        clock: Monotonic clock in seconds.

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
            raise ConfigError(f"capacity is {capacity}; allowed: 1 image or more")
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
        """Queue an image. This method is thread-safe.

        Args:
            image: uint8 (H, W, 3), BGR. It is not copied: do not change it afterwards.
            captured_at_s: Capture time in seconds on the clock of this source; now by default.
                `media_time_s` is the time since the first image.

        Returns:
            Whether the image was queued; False after `close`.

        Raises:
            InputError: The image has another shape or dtype, or its capture time is not finite.
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
        """Refuse further images. This method is thread-safe and may be called again."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Refuse further images and drop the queued ones."""
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
