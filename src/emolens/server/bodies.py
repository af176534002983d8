"""Request bodies, read within limits of size, time and total memory."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar

from starlette.requests import ClientDisconnect, Request

from emolens.core.errors import BusyError, InputError, RequestTimeoutError, RequestTooLargeError
from emolens.server.settings import Limits

T = TypeVar("T")
# A body must arrive at this rate on average, after a start without a demand.
_LEAST_BYTES_PER_S: Final = 64 * 1024
_START_S: Final = 10.0


class Bodies:
    """The request bodies of all connections.

    Args:
        limits: Limits of the server.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._n_bytes = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of all bodies in memory."""
        return self._n_bytes

    @contextlib.asynccontextmanager
    async def whole(self, request: Request, max_bytes: int) -> AsyncIterator[bytes]:
        """Read a whole body; its bytes count as used memory inside the block.

        Raises:
            BusyError: The bodies of other requests need the memory.
            RequestTooLargeError: The body is larger than allowed.
            RequestTimeoutError: The body arrives too slowly.
        """
        n_reserved = declared_bytes(request, max_bytes)
        self._reserve(n_reserved)
        try:
            body = bytearray()
            async for chunk in self.chunks(request, max_bytes):
                body += chunk
                missing = len(body) - n_reserved
                if missing > 0:
                    self._reserve(missing)
                    n_reserved += missing
            whole = bytes(body)
            body.clear()  # only one copy while the block runs
            yield whole
        finally:
            self._n_bytes -= n_reserved

    async def chunks(self, request: Request, max_bytes: int) -> AsyncIterator[bytes]:
        """Read a body in chunks.

        Raises:
            InputError: The client left.
            RequestTooLargeError: The body is larger than allowed.
            RequestTimeoutError: The body arrives too slowly.
        """
        declared_bytes(request, max_bytes)
        started_s, n_bytes = time.monotonic(), 0
        parts = request.stream()
        while True:
            overdue_s = started_s + _START_S + n_bytes / _LEAST_BYTES_PER_S
            wait_s = min(self._limits.stall_s, max(0.0, overdue_s - time.monotonic()))
            try:
                chunk = await asyncio.wait_for(anext(parts), wait_s)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise RequestTimeoutError(
                    f"the body of the request arrives too slowly: {n_bytes:,} bytes in "
                    f"{time.monotonic() - started_s:.0f} s. Send it faster, or send less."
                ) from None
            except ClientDisconnect:
                raise InputError("the client left before the request was complete") from None
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise _too_large(max_bytes)
            yield chunk

    def _reserve(self, n_bytes: int) -> None:
        if self._n_bytes + n_bytes > self._limits.body_bytes:
            raise BusyError("the server is busy with other uploads. Try again later.")
        self._n_bytes += n_bytes


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Wait for work whose result a client waits for, and cancel it when the client leaves.

    Args:
        request: The request, whose body is read.
        work: The work.

    Raises:
        InputError: The client left.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise InputError("the client left before the answer was complete")
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


def declared_bytes(request: Request, max_bytes: int) -> int:
    """Return the declared size of a body, or 0 if it is not declared.

    Raises:
        RequestTooLargeError: It is larger than allowed.
    """
    declared = request.headers.get("content-length", "")
    n_bytes = int(declared) if declared.isascii() and declared.isdigit() else 0
    if n_bytes > max_bytes:
        raise _too_large(max_bytes)
    return n_bytes


def _too_large(max_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the body of the request is larger than {max_bytes:,} bytes. Send a smaller one."
    )
