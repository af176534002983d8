"""Sequences of messages that no honest client sends on a stream."""

import contextlib
import math
import socket
import struct
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import cv2
from hypothesis import strategies as st

from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image
from tests.image_bodies import bodies
from tests.raw_http import connect, wait_for
from tests.raw_stream import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    START,
    TEXT,
    RawStream,
    frame,
    handshake,
    length,
    opened_stream,
)
from tests.server_process import ServerProcess

Action = Callable[[RawStream], None]
_TIMES: Final = (0.0, -0.0, 1.0, -1.0, 1e-308, 1e308, -1e308, math.nan, math.inf, -math.inf)
_STARTS: Final = (
    START,
    b"",
    b"{}",
    b"null",
    b"[" * 5000,
    b'{"type": "start", "min_confidence": 1e999}',
    b'{"type": "start", "min_confidence": 0.9}',
    b'{"type": "start", "ticket": 5}',
    b'{"type": "start", "more": 1}',
    b'{"type": "stop"}',
    b"\xff\xfe",
    b"a" * 100_000,
)
_HANDSHAKES: Final[Sequence[dict[str, str]]] = (
    *[{}] * 8,
    {"Sec-WebSocket-Version": "7"},
    {"Sec-WebSocket-Key": "no"},
    {"Sec-WebSocket-Protocol": "chat"},
    {"Sec-WebSocket-Extensions": "permessage-deflate"},
    {"path": "/v1/nothing"},
    {"path": "/livez"},
    {"Origin": "https://evil.example"},
)


@cache
def image() -> bytes:
    """Return a small frame with a face."""
    small = cv2.resize(read_image(sample_image()).image, (160, 160))
    return cv2.imencode(".jpg", small)[1].tobytes()


def timed(captured_s: float, encoded: bytes) -> bytes:
    """Return a message with a capture time."""
    return struct.pack(">d", captured_s) + encoded


def _sent(*parts: bytes) -> Action:
    return lambda stream: stream.send(*parts)


def _read(n_frames: int, seconds: float = 0.05) -> Action:
    def read(stream: RawStream) -> None:
        stream.connection.settimeout(seconds)
        try:
            for _ in range(n_frames):
                stream.receive()
        except TimeoutError:
            pass
        finally:
            stream.connection.settimeout(5.0)

    return read


def _answered(*parts: bytes) -> Action:
    """Send a message and wait for its answer, as a client does that loses no frame."""
    send, read = _sent(*parts), _read(1, 0.3)

    def exchange(stream: RawStream) -> None:
        send(stream)
        read(stream)

    return exchange


def _waited(seconds: float) -> Action:
    return lambda _stream: time.sleep(seconds)


def _left() -> Action:
    def leave(stream: RawStream) -> None:
        stream.reset()
        raise ConnectionError("left")

    return leave


def _half_closed() -> Action:
    return lambda stream: stream.connection.shutdown(socket.SHUT_WR)


def actions() -> st.SearchStrategy[Action]:
    """Return a strategy of actions of a client."""
    good = frame(BINARY, timed(1.0, image()))
    times = st.sampled_from(_TIMES) | st.floats()
    return st.one_of(
        st.builds(lambda t: _answered(frame(BINARY, timed(t, image()))), times),
        st.builds(lambda t, body: _answered(frame(BINARY, timed(t, body))), times, bodies()),
        st.builds(lambda body: _answered(frame(BINARY, timed(1.0, body))), bodies()),
        st.builds(lambda text: _sent(frame(TEXT, text)), st.sampled_from(_STARTS)),
        st.builds(lambda t: _sent(frame(BINARY, timed(t, image()))), times),
        st.builds(lambda t, body: _sent(frame(BINARY, timed(t, body))), times, bodies()),
        st.builds(lambda body: _sent(frame(BINARY, body)), st.binary(max_size=20)),
        st.builds(_sent, st.binary(min_size=1, max_size=20)),
        st.builds(lambda n: _sent(good * n), st.integers(2, 300)),
        st.builds(lambda n: _sent(frame(BINARY, b"") * n), st.integers(2, 3000)),
        st.builds(lambda n: _sent(frame(PING, b"x" * 125) * n), st.integers(1, 2000)),
        st.builds(lambda n: _sent(frame(PONG, b"") * n), st.integers(1, 2000)),
        st.builds(lambda n: _sent(good[:n]), st.integers(1, len(good) - 1)),
        st.builds(_fragments, st.lists(st.integers(0, 3000), min_size=1, max_size=8)),
        st.builds(lambda n: _sent(frame(0, b"x" * n)), st.integers(0, 5)),
        st.builds(lambda n: _sent(frame(BINARY, timed(0.0, bytes(n)))), st.just(600_000)),
        st.builds(lambda n: _sent(bytes([0x82]), length(n)), st.sampled_from((2**40, 2**63 - 1))),
        st.builds(lambda n: _sent(frame(n, b"x")), st.integers(0, 15)),
        st.just(_sent(frame(TEXT, b"\xff\xfe\xfd"))),
        st.just(_sent(frame(BINARY, b"x", is_masked=False))),
        st.just(_sent(frame(PING, b"x", is_final=False))),
        st.builds(lambda code: _sent(frame(CLOSE, code)), st.binary(max_size=130)),
        st.builds(_waited, st.floats(0, 0.03)),
        st.builds(_read, st.integers(1, 5)),
        st.builds(_left),
        st.builds(_half_closed),
    )


def _fragments(sizes: list[int]) -> Action:
    """Send an image in pieces, the last of which may be missing."""
    message, sent, position = timed(2.0, image()), bytearray(), 0
    for number, size in enumerate(sizes):
        part = message[position : position + size]
        position += size
        is_final = position >= len(message)
        sent += frame(BINARY if number == 0 else 0, part, is_final=is_final)
    return _sent(bytes(sent))


def sequences() -> st.SearchStrategy[tuple[dict[str, str], bool, list[Action]]]:
    """Return a strategy: a handshake, whether the stream is started, and actions."""
    mostly = st.sampled_from((True, True, True, False))
    endings = st.sampled_from(([], [_read(4)]))  # leaves at once, or after some answers
    chosen = st.lists(actions(), min_size=1, max_size=12)
    whole = st.builds(lambda first, last: [*first, *last], chosen, endings)
    return st.tuples(st.sampled_from(_HANDSHAKES), mostly, whole)


def play(server: ServerProcess, sequence: tuple[dict[str, str], bool, list[Action]]) -> None:
    """Play a sequence on a connection of its own, and leave."""
    headers, is_started, chosen = sequence
    with connect(server.port, 5.0) as connection, contextlib.suppress(ConnectionError, OSError):
        stream = RawStream(connection)
        stream.send(handshake(server.port, **headers))
        if is_started:
            stream.receive_head()
            _answered(frame(TEXT, START))(stream)
        for action in chosen:
            action(stream)


def check_alive(server: ServerProcess) -> None:
    """Check that the server answers, and that a new stream gives a result."""
    assert server.ask("GET", "/livez", timeout_s=10.0).status == 200
    with opened_stream(server.port, timeout_s=10.0) as stream:
        stream.send_frame(1.0, image())
        assert stream.receive_json()["type"] == "result"


def check_settled(server: ServerProcess) -> dict[str, float]:
    """Check that no stream and no frame is left, that all are counted, and return the counts."""
    assert wait_for(lambda: server.metrics()["emolens_streams"] == 0, 20.0)
    assert wait_for(lambda: server.metrics()["emolens_frames_in_flight"] == 0, 20.0)
    metrics = server.metrics()
    names = ("received", "processed", "unreadable", "dropped")
    counts = {name: metrics[f"emolens_frames_{name}_total"] for name in names}
    assert counts["received"] == counts["processed"] + counts["unreadable"] + counts["dropped"]
    assert not (errors := errors_in_log(server)), errors
    return counts


def errors_in_log(server: ServerProcess) -> list[dict[str, object]]:
    """Return the errors that the server logged."""
    return [line for line in server.log_lines() if line["level"] not in ("info", "warning")]
