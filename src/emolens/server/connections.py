"""Connections that cost little: time limits and size limits of uvicorn's protocols.

uvicorn waits without limit for the head of a request and for a client that does not read.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers as HandshakeHeaders
from websockets.http11 import Response as HandshakeResponse
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from emolens.server.errors import status_answer
from emolens.server.full_queues import FullQueues
from emolens.server.headers import REQUEST_ID, SECURITY_HEADERS, request_id_of
from emolens.server.settings import Limits

# uvicorn logs clients that break the protocol as errors with tracebacks; any client could fill the
# log. The guard logs errors of the application.
_NO_LOG: Final = logging.getLogger("emolens.server.protocol")
_NO_LOG.setLevel(logging.CRITICAL)
_HEAD_BYTES: Final = 64 * 1024
# One read may contain thousands of tiny requests; each that waits for its turn takes memory.
_MAX_PIPELINED: Final = 16
# A client may still send a body whose answer it has not read yet.
_LINGER_S: Final = 2.0
_ID_HEADER: Final = REQUEST_ID.lower().encode("ascii")


class _Deadline:
    """A timer that can be set again."""

    def __init__(self, on_over: Callable[[], object]) -> None:
        self._on_over = on_over
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        return self._timer is not None

    def set(self, seconds: float) -> None:
        self.clear()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._over)

    def clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        self._on_over()


class _Answered:
    """A request that is answered, as far as uvicorn looks at it."""

    response_complete = True
    disconnected = False

    def __init__(self) -> None:
        self.message_event = asyncio.Event()


class GuardedHttp(HttpToolsProtocol):
    """HTTP connections with limits for their number, heads and unread answers."""

    limits: Limits
    full_queues: FullQueues

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for a request, or refuse the connection."""
        super().connection_made(transport)
        # asyncio sets this only for sockets that name their protocol. Without it, the body of an
        # answer waits up to 40 ms until the client acknowledges the head.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = _Deadline(self._refuse_slow_head)
        self._unread = _Deadline(transport.abort)
        self._linger = _Deadline(transport.abort)
        self._head_bytes = self._overhead = 0
        self._awaits_head = True
        self._has_begun = False
        # A new connection must begin a request; afterwards, uvicorn closes it when it is idle.
        if len(self.connections) > self.limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "there are too many connections")
        else:
            self._head.set(self.limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        for deadline in (self._head, self._unread, self._linger):
            deadline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data; refuse a head that is too large or takes too long."""
        if self.transport.is_closing():
            return
        if self._awaits_head:
            self._head_bytes += len(data)
        else:
            self._overhead += len(data)
        super().data_received(data)
        if self._overhead > _HEAD_BYTES and not self.transport.is_closing():
            message = "the chunks of the body have more overhead than content"
            self._refuse(HTTPStatus.BAD_REQUEST, message)
        if self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the head of the request is larger than {_HEAD_BYTES:,} bytes",
            )
        elif self._head_bytes or self._has_begun:
            self._await_head()  # also after empty lines, which begin no request

    def on_message_begin(self) -> None:
        """Note that a head has begun.

        Raises:
            ValueError: Too many requests wait on this connection. The parser stops, and uvicorn
                calls `send_400_response`.
        """
        if len(self.pipeline) >= _MAX_PIPELINED:
            raise ValueError("too many requests at once")
        self._has_begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those after a body are not used."""
        if self._awaits_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop to wait for the head, and pass the request on unless its queue is full."""
        self._head.clear()
        self._awaits_head = self._has_begun = False
        self._head_bytes = self._overhead = 0
        refusal = self._refusal_of_full_queue()
        if refusal is None:
            super().on_headers_complete()
        else:
            self._turn_away(refusal)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; sizes of chunks, extensions and trailers may take as much."""
        self._overhead -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to wait for the next request."""
        self._awaits_head = True
        self._linger.clear()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Give a client that still sends its body some time to read the answer."""
        super().on_response_complete()
        if not self._awaits_head and not self.transport.is_closing():
            self._linger.set(_LINGER_S)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        self._unread.set(self.limits.stall_s)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Stop to wait for the client to read."""
        self._unread.clear()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's own text)
        """Answer data that is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "this is no HTTP request")

    def _refusal_of_full_queue(self) -> bytes | None:
        """Return the answer to a request whose queue is full, or None to pass it on."""
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or not self.parser.should_keep_alive():
            return None
        headers = dict(self.headers)
        # Pages of other sites need more headers.
        if b"origin" in headers:
            return None
        request_id = request_id_of(headers.get(_ID_HEADER, b"").decode("latin-1"))
        method = self.parser.get_method().decode("ascii")
        path = self.url.partition(b"?")[0].decode("latin-1")
        return self.full_queues.refusal(method, path, request_id)

    def _turn_away(self, answer: bytes) -> None:
        """Answer a request; uvicorn drops the body of one that is answered."""
        self.cycle = _Answered()  # type: ignore[assignment]  # with what uvicorn reads of it
        self.transport.write(answer)
        self.on_response_complete()

    def _await_head(self) -> None:
        if not self._head.is_set:
            self._head.set(self.limits.head_s)

    def _refuse_slow_head(self) -> None:
        is_unused = not self._head_bytes
        if is_unused:
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the head of the request takes too long")

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer without the application and close the connection."""
        answer = _refusal(status, message)
        lines = (b"%s: %s\r\n" % pair for pair in answer.raw_headers)
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii")
        self.transport.write(head + b"".join(lines) + b"\r\n" + bytes(answer.body))
        self.transport.close()


class _Handshakes(ServerProtocol):
    """Handshakes whose refusals have the form of all errors."""

    def reject(self, status: StatusLike, text: str) -> HandshakeResponse:
        """Refuse a handshake; the text of the library quotes the request."""
        response = super().reject(status, text)
        answer = _refusal(HTTPStatus(status), "this is no handshake of a WebSocket")
        response.headers = HandshakeHeaders(answer.headers)
        response.body = bytes(answer.body)
        return response


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """WebSockets that are cut off if their client does not read."""

    limits: Limits

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _NO_LOG
        self.conn = _Handshakes(max_size=self.config.ws_max_size, logger=_NO_LOG)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Prepare the time limit."""
        super().connection_made(transport)
        self._unread = _Deadline(self.transport.abort)
        self.close_timeout = self.limits.stall_s  # for a client that does not answer the close

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._unread.clear()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read; pings of one that does not would be answered."""
        self._unread.set(self.limits.stall_s)
        self.transport.pause_reading()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Stop to wait for the client to read."""
        self._unread.clear()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()
        super().resume_writing()

    async def send(self, message: Any) -> None:
        """Send a message.

        Raises:
            ClientDisconnected: The client left, or the connection was closed because the client
                broke the protocol. uvicorn raises a RuntimeError then.
        """
        try:
            await super().send(message)
        except RuntimeError:
            if self.close_sent:
                raise ClientDisconnected from None
            raise


class ClosingConnections:
    """Connections that are closed but whose clients do not read the rest.

    Args:
        limit_s: Time after which they are cut off, in seconds.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since_s: dict[Any, float] = {}

    def sweep(self, connections: "set[Any]") -> None:
        """Cut off those that have been closing for too long; call it about once per second."""
        now_s = time.monotonic()
        closing = {one for one in connections if one.transport and one.transport.is_closing()}
        self._since_s = {one: self._since_s.get(one, now_s) for one in closing}
        for one, since_s in self._since_s.items():
            if now_s - since_s > self._limit_s:
                one.transport.abort()


def _refusal(status: HTTPStatus, message: str) -> Response:
    """Return the answer to a request that does not reach the application."""
    request_id = request_id_of("")
    headers = {**SECURITY_HEADERS, REQUEST_ID: request_id, "Connection": "close"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    return status_answer(status, message, request_id, headers)


def protocols_of(
    limits: Limits, full_queues: FullQueues
) -> tuple[type[GuardedHttp], type[GuardedWebSocket]]:
    """Return the classes of connections with some limits.

    Args:
        limits: Limits of the server.
        full_queues: Answers requests whose queue is full.
    """
    return (
        type("LimitedHttp", (GuardedHttp,), {"limits": limits, "full_queues": full_queues}),
        type("LimitedWebSocket", (GuardedWebSocket,), {"limits": limits}),
    )
