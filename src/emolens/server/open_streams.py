"""The open streams: their number, and their end when the server stops."""

import asyncio
import contextlib
from collections.abc import Iterator

from emolens.core.errors import BusyError

_RETRY_S = 5.0


class OpenStreams:
    """The open streams of a server.

    Args:
        limit: Largest number of streams.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._n_open = 0
        self._all_closed = asyncio.Event()
        self._all_closed.set()
        self.is_stopping = asyncio.Event()
        """Set when each stream must end after its frame in flight."""

    def __len__(self) -> int:
        return self._n_open

    def check_free(self) -> None:
        """Check that another stream may open.

        Raises:
            BusyError: There are too many.
        """
        if self._n_open >= self._limit or self.is_stopping.is_set():
            raise BusyError(
                f"the server is busy with {self._n_open} streams. Try again later.", _RETRY_S
            )

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Count a stream inside the block.

        Raises:
            BusyError: There are too many.
        """
        self.check_free()
        self._n_open += 1
        self._all_closed.clear()
        try:
            yield
        finally:
            self._n_open -= 1
            if not self._n_open:
                self._all_closed.set()

    async def finish(self, timeout_s: float) -> None:
        """Let each stream answer its frame in flight and end, for at most a time."""
        self.is_stopping.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_closed.wait(), timeout_s)
