"""A stream of frames, for programs without asyncio."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from emolens.client.endpoint import Endpoint
from emolens.client.libraries import sync_websockets, websocket_errors
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
from emolens.core.errors import EmolensError


class _Connection(sync_websockets.ClientConnection):
    def handshake(self, *arguments: Any, **options: Any) -> None:
        with refusing_redirects():
            super().handshake(*arguments, **options)


class Stream:
    """An open stream. The server tracks its faces and smooths their probabilities.

    One thread at a time may use it. After an error of the connection it stays closed: open a new
    stream, whose tracks start again.

    Attributes:
        limits: Limits of the server.
    """

    def __init__(
        self, socket: sync_websockets.ClientConnection, endpoint: Endpoint, limits: LimitsRecord
    ) -> None:
        self._socket = socket
        self._endpoint = endpoint
        self.limits = limits

    def send(self, image: bytes, *, captured_s: float | None = None) -> StreamResult:
        """Send a frame and wait for its result.

        Args:
            image: Bytes of a JPEG, PNG or WebP file.
            captured_s: Capture time in seconds, of any clock; now by default. It must increase
                from frame to frame, and the result has it unchanged.

        Raises:
            InputError: The frame cannot be read; the stream stays open.
            BusyError: The server is at a limit. The stream stays open, unless it has too many.
            RequestTimeoutError: The result does not arrive in time.
            ServerError: The connection is lost or the server ends the stream.
        """
        captured_s = time.monotonic() if captured_s is None else captured_s
        message = frame_message(image, captured_s, self.limits)
        with explaining(self._endpoint):
            # A server that ends the stream has said why: that message is still to be read.
            with contextlib.suppress(websocket_errors.ConnectionClosed):
                self._socket.send(message)
            while (answer := self._receive(captured_s)) is None:
                pass
        if isinstance(answer, EmolensError):
            raise answer
        return answer

    def _receive(self, captured_s: float) -> StreamResult | EmolensError | None:
        text = self._socket.recv(timeout=self._endpoint.timeout_s)
        return read_answer(text, captured_s, self._endpoint.address)


@contextlib.contextmanager
def open_stream(endpoint: Endpoint, min_confidence: float) -> Iterator[Stream]:
    """Open a stream, and close it when the block ends.

    Raises:
        EmolensError: The server cannot be reached or refuses the stream.
    """
    options = connection_options(endpoint)
    with contextlib.ExitStack() as stack:
        with explaining(endpoint):
            connection = sync_websockets.connect(
                endpoint.stream_url, create_connection=_Connection, **options
            )
            socket = stack.enter_context(connection)
            socket.send(start_message(min_confidence))
            ready = read_ready(socket.recv(timeout=endpoint.timeout_s), endpoint.address)
        yield Stream(socket, endpoint, ready.limits)
