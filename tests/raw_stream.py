"""WebSocket frames on a bare socket: those that no library would send."""

import base64
import contextlib
import json
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.raw_http import connect

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
START = b'{"type": "start"}'
_RESET = struct.pack("ii", 1, 0)


def frame(opcode: int, payload: bytes, *, is_final: bool = True, is_masked: bool = True) -> bytes:
    """Return one frame of the WebSocket protocol."""
    head = bytes([opcode | (0x80 if is_final else 0)])
    return head + length(len(payload), is_masked=is_masked) + payload  # the mask is zero


def length(n_bytes: int, *, is_masked: bool = True) -> bytes:
    """Return the length of a frame and a mask that changes nothing."""
    flag = 0x80 if is_masked else 0
    mask = bytes(4) if is_masked else b""
    if n_bytes < 126:
        return bytes([flag | n_bytes]) + mask
    if n_bytes < 1 << 16:
        return bytes([flag | 126]) + struct.pack(">H", n_bytes) + mask
    return bytes([flag | 127]) + struct.pack(">Q", n_bytes) + mask


def handshake(port: int, path: str = "/v1/stream", **headers: str) -> bytes:
    """Return the request that opens a WebSocket; `_` in names of headers stands for `-`."""
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


@dataclass(slots=True, eq=False)
class RawStream:
    """An open WebSocket."""

    connection: socket.socket
    _received: bytearray = field(default_factory=bytearray)

    def send(self, *parts: bytes) -> None:
        """Send bytes."""
        self.connection.sendall(b"".join(parts))

    def send_frame(self, captured_s: float, encoded: bytes) -> None:
        """Send an image with its capture time."""
        self.send(frame(BINARY, struct.pack(">d", captured_s) + encoded))

    def receive_head(self) -> bytes:
        """Receive the head of the answer to the handshake."""
        head = bytearray()
        while not head.endswith(b"\r\n\r\n"):
            head += self._take(1)
        return bytes(head)

    def receive(self) -> tuple[int, bytes]:
        """Receive one frame; opcode 0 if the connection ended."""
        try:
            first, second = self._take(2)
            n_bytes = second & 0x7F
            if n_bytes == 126:
                (n_bytes,) = struct.unpack(">H", self._take(2))
            elif n_bytes == 127:
                (n_bytes,) = struct.unpack(">Q", self._take(8))
            return first & 0xF, bytes(self._take(n_bytes))
        except ConnectionError:
            return 0, b""

    def receive_json(self) -> Any:
        """Receive a text message."""
        opcode, payload = self.receive()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def close_code(self) -> int:
        """Receive until the stream ends; return its close code, 0 for none."""
        while True:
            opcode, payload = self.receive()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")
            if opcode == 0:
                return 0

    def reset(self) -> None:
        """Break the connection off without goodbye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()

    def _take(self, n_bytes: int) -> bytearray:
        while len(self._received) < n_bytes:
            chunk = self.connection.recv(65536)
            if not chunk:
                raise ConnectionError("the connection ended")
            self._received += chunk
        taken = self._received[:n_bytes]
        del self._received[:n_bytes]
        return taken


@contextlib.contextmanager
def opened_stream(
    port: int, start: bytes | None = START, *, timeout_s: float = 30.0, **headers: str
) -> Iterator[RawStream]:
    """Open a WebSocket inside the block; unless `start` is None, up to the message `ready`."""
    with connect(port, timeout_s) as connection:
        connection.sendall(handshake(port, **headers))
        stream = RawStream(connection)
        head = stream.receive_head()
        assert head.startswith(b"HTTP/1.1 101"), bytes(head)
        if start is not None:
            stream.send(frame(TEXT, start))
            ready = stream.receive_json()
            assert ready["type"] == "ready", ready
        yield stream
