"""A server of streams on this computer, and both clients connected to it."""

import asyncio
import contextlib
import json
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from emolens.client import AsyncClient, AsyncStream, Client, Stream
from tests.unit.client.fake_server import LIMITS

Script = Callable[[ServerConnection], None]
Refusal = Callable[[ServerConnection, Request], Response | None]


@contextlib.contextmanager
def stream_server(script: Script, *, refuse: Refusal | None = None) -> Iterator[str]:
    """Run a script for each stream, after the handshake; yield the address."""
    with serve(script, "127.0.0.1", 0, process_request=refuse) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def refusal(status: int, body: object, **headers: str) -> Response:
    """An answer instead of the handshake."""
    content = json.dumps(body).encode()
    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    named["Content-Length"] = str(len(content))
    return Response(status, "", named, content)


def send(socket: ServerConnection, **message: Any) -> None:
    """Send a message of the server."""
    socket.send(json.dumps(message))


def get_ready(socket: ServerConnection) -> dict[str, Any]:
    """Take the first message of the client and answer it; return it."""
    start: dict[str, Any] = json.loads(socket.recv())
    send(socket, type="ready", limits=LIMITS)
    return start


def next_frame(socket: ServerConnection) -> tuple[float, bytes]:
    """Take a frame: its capture time and its image."""
    message = socket.recv()
    assert isinstance(message, bytes)
    return struct.unpack(">d", message[:8])[0], message[8:]


def send_result(socket: ServerConnection, captured_s: float, number: int = 0) -> None:
    """Answer a frame."""
    frame: dict[str, Any] = {"frame": number, "media_time_s": 0.0, "dropped_before": 0, "shot": 1}
    frame |= {"width": 9, "height": 9, "faces": []}
    counts = {"processing_ms": 1.5, "n_received": number + 1, "n_dropped": 0}
    send(socket, type="result", captured_s=captured_s, **counts, result=frame)


def send_error(
    socket: ServerConnection, code: str, message: str, captured_s: float | None = None
) -> None:
    """Send an error about a frame or about the stream."""
    about = {} if captured_s is None else {"captured_s": captured_s}
    send(socket, type="error", **about, error={"code": code, "message": message})


class OpenStream:
    """A stream of one of the clients, as if it were `Stream`."""

    def __init__(self, send_frame: Callable[..., Any], stream: Stream | AsyncStream) -> None:
        self.send = send_frame
        self.limits = stream.limits


@contextlib.contextmanager
def open_stream(address: str, *, is_async: bool, **options: Any) -> Iterator[OpenStream]:
    """Open a stream with one of the clients."""
    if not is_async:
        with Client(address, **options) as client, client.stream(min_confidence=0.5) as stream:
            yield OpenStream(stream.send, stream)
        return
    with asyncio.Runner() as runner, contextlib.ExitStack() as stack:
        async_client = AsyncClient(address, **options)
        stack.callback(lambda: runner.run(async_client.aclose()))
        manager = async_client.stream(min_confidence=0.5)
        opened = runner.run(_entered(manager))
        stack.callback(lambda: runner.run(_left(manager)))

        def send_frame(*arguments: Any, **options: Any) -> Any:
            return runner.run(opened.send(*arguments, **options))

        yield OpenStream(send_frame, opened)


async def _entered(manager: contextlib.AbstractAsyncContextManager[AsyncStream]) -> AsyncStream:
    return await manager.__aenter__()


async def _left(manager: contextlib.AbstractAsyncContextManager[AsyncStream]) -> None:
    await manager.__aexit__(None, None, None)
