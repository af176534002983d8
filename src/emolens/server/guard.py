"""The outermost layer of the application: access, request IDs, headers, errors and logs."""

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emolens.core.errors import BusyError, EmolensError
from emolens.server.access import is_open
from emolens.server.errors import error_answer, internal_answer
from emolens.server.headers import REQUEST_ID, SECURITY_HEADERS, request_id_of
from emolens.server.logs import WEBSOCKET, log, log_request
from emolens.server.services import Services


class Guard:
    """An ASGI application around another one.

    It answers what is not allowed before the body is read, and gives every answer its headers.

    Args:
        app: The application.
        services: Access, counters and state of the server.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or a WebSocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        exchange = _Exchange(scope, headers, self._services, send)
        # Ranges are not supported: answers are not stored, and errors of ranges would not be JSON.
        scope["headers"] = [one for one in scope["headers"] if one[0] != b"range"]
        # Starlette copies it into `request.state`.
        scope["state"] = {**scope.get("state", {}), "request_id": exchange.request_id}
        try:
            scope["state"]["client"] = self._admit(scope, headers)
            if _is_preflight(scope, headers):
                await exchange.answer(Response(status_code=204), receive)
            else:
                await self._app(scope, receive, exchange.send)
        except EmolensError as error:
            await exchange.fail(error_answer(error, exchange.request_id), receive)
        except Exception:  # noqa: BLE001 (a client gets an answer without the cause)
            log("failed", level=logging.ERROR, exc_info=True, request_id=exchange.request_id)
            await exchange.fail(internal_answer(exchange.request_id), receive)
        finally:
            exchange.finish()

    def _admit(self, scope: Scope, headers: Headers) -> str | None:
        """Return the name of the client, or None without keys.

        A WebSocket without a key is admitted; it must present a ticket in its first message.

        Raises:
            AccessError: The key is missing or wrong, or the origin is not allowed.
            BusyError: The server is not ready.
        """
        access, path = self._services.access, scope["path"]
        access.check_origin(headers)
        is_socket = scope["type"] == "websocket" and "authorization" not in headers
        if is_open(path) or is_socket or _is_preflight(scope, headers):
            client = None
        else:
            client = access.client_of(headers)
        if not self._services.is_ready and path.startswith("/v1/"):
            raise BusyError("the server is not ready. Try again later.", retry_after_s=2.0)
        return client


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, headers: Headers, services: Services, send: Send) -> None:
        self.request_id = request_id_of(headers.get(REQUEST_ID, ""))
        self._scope = scope
        self._services = services
        self._send = send
        self._origin = services.access.foreign_origin(headers)
        self._started_s = time.perf_counter()
        self._status: int | None = None

    async def send(self, message: Message) -> None:
        """Send a message with the headers of every answer."""
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self._status = message["status"]
            self._add_headers(MutableHeaders(scope=message))
        elif message["type"] == "websocket.accept":
            self._status = 101
            message.setdefault("headers", [])
            MutableHeaders(scope=message)[REQUEST_ID] = self.request_id
        await self._send(message)

    async def answer(self, response: Response, receive: Receive) -> None:
        """Send a complete answer; to a WebSocket, instead of the handshake."""
        await response(self._scope, receive, self.send)

    async def fail(self, response: Response, receive: Receive) -> None:
        """Send an answer unless another one has begun."""
        if self._status is None:
            await self.answer(response, receive)

    def finish(self) -> None:
        """Count and log the exchange."""
        seconds = time.perf_counter() - self._started_s
        scope = self._scope
        method, route = scope.get("method", WEBSOCKET), getattr(scope.get("route"), "path", "other")
        is_http = scope["type"] == "http"
        self._services.metrics.count_request(
            method, route, self._status, seconds=seconds if is_http else None
        )
        client = scope["state"].get("client")
        log_request(self.request_id, method, route, self._status, client=client, seconds=seconds)

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        headers[REQUEST_ID] = self.request_id
        if self._origin:
            headers["Access-Control-Allow-Origin"] = self._origin
            headers["Access-Control-Allow-Headers"] = f"Authorization, Content-Type, {REQUEST_ID}"
            headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
            headers["Access-Control-Expose-Headers"] = f"{REQUEST_ID}, Retry-After, Location"
            headers["Access-Control-Max-Age"] = "600"
            headers.add_vary_header("Origin")


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    is_options = scope.get("method") == "OPTIONS"
    return is_options and "origin" in headers and "access-control-request-method" in headers
