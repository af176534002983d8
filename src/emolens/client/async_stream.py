"""A stream of frames, for programs with asyncio."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from emolens.client.endpoint import Endpoint
from emolens.client.libraries import async_websockets, websocket_errors
from emolens.client.messages import (
    connection_options,
    explaining,
    frame_message,
    read_answer,
    read_ready,
    refusing_redirects,
    start_message,
)
from emolens.contract.server import LimitsRecord, StreamResult
from emolens.core.errors import EmolensError, InputError

TimedFrame = tuple[bytes, float]
"""The bytes of an image and its capture time in seconds."""


class _Connection(async_websockets.ClientConnection):
    async def handshake(self, *arguments: Any, **options: Any) -> None:
        with refusing_redirects():
            await super().handshake(*arguments, **options)


class AsyncStream:
    """An open stream. The server tracks its faces and smooths their probabilities.

    One task at a time may use it. After an error of the connection it stays closed: open a new
    stream, whose tracks start again.

    Attributes:
        limits: Limits of the server.
        n_dropped: Frames that `results` dropped, because a newer one had come.
    """

    def __init__(
        self, socket: async_websockets.ClientConnection, endpoint: Endpoint, limits: LimitsRecord
    ) -> None:
        self._socket = socket
        self._endpoint = endpoint
        self.limits = limits
        self.n_dropped = 0

    async def send(self, image: bytes, *, captured_s: float | None = None) -> StreamResult:
        """Send a frame and wait for its result; see `Stream.send`."""
        answer = await self._exchange(image, captured_s)
        if isinstance(answer, EmolensError):
            raise answer
        return answer

    async def results(
        self,
        frames: AsyncIterable[bytes | TimedFrame],
        *,
        on_error: Callable[[EmolensError], object] | None = None,
    ) -> AsyncIterator[StreamResult]:
        """Send frames as fast as the server answers; the newest frame wins.

        Args:
            frames: Bytes of images, or (bytes, capture time). A capture time is now by default.
            on_error: Called with the error of a frame that cannot be analysed, instead of raising
                it.

        Yields:
            The results, in the order of capture. Frames that are superseded have none.

        Raises:
            EmolensError: See `send`. Exceptions of `frames` are raised too.
        """
        newest: asyncio.Queue[TimedFrame | None] = asyncio.Queue()
        feeding = asyncio.create_task(self._feed(frames, newest))
        try:
            while (frame := await newest.get()) is not None:
                answer = await self._exchange(*frame)
                if isinstance(answer, StreamResult):
                    yield answer
                elif on_error is None:
                    raise answer
                else:
                    on_error(answer)
            await feeding
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    async def _exchange(
        self, image: bytes, captured_s: float | None
    ) -> StreamResult | EmolensError:
        captured_s = time.monotonic() if captured_s is None else captured_s
        try:
            message = frame_message(image, captured_s, self.limits)
        except InputError as error:
            return error
        with explaining(self._endpoint):
            async with asyncio.timeout(self._endpoint.timeout_s):
                # A server that ends the stream has said why: that message is still to be read.
                with contextlib.suppress(websocket_errors.ConnectionClosed):
                    await self._socket.send(message)
                while (answer := await self._receive(captured_s)) is None:
                    pass
        return answer

    async def _feed(
        self,
        frames: AsyncIterable[bytes | TimedFrame],
        newest: "asyncio.Queue[TimedFrame | None]",
    ) -> None:
        """Keep the newest frame in a queue; None follows the last one."""
        try:
            async for frame in frames:
                timed = (frame, time.monotonic()) if isinstance(frame, bytes) else frame
                if not newest.empty():
                    newest.get_nowait()
                    self.n_dropped += 1
                newest.put_nowait(timed)
                # Frames that are all there at once must not keep the others waiting.
                await asyncio.sleep(0)
        finally:
            newest.put_nowait(None)

    async def _receive(self, captured_s: float) -> StreamResult | EmolensError | None:
        return read_answer(await self._socket.recv(), captured_s, self._endpoint.address)


@contextlib.asynccontextmanager
async def open_stream(endpoint: Endpoint, min_confidence: float) -> AsyncIterator[AsyncStream]:
    """Open a stream, and close it when the block ends.

    Raises:
        EmolensError: The server cannot be reached or refuses the stream.
    """
    options = connection_options(endpoint)
    async with contextlib.AsyncExitStack() as stack:
        with explaining(endpoint):
            connection = async_websockets.connect(
                endpoint.stream_url, create_connection=_Connection, **options
            )
            socket = await stack.enter_async_context(connection)
            async with asyncio.timeout(endpoint.timeout_s):
                await socket.send(start_message(min_confidence))
                ready = read_ready(await socket.recv(), endpoint.address)
        yield AsyncStream(socket, endpoint, ready.limits)
