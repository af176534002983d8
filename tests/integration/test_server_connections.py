"""Connections that are slow, idle or too many cost the server nothing for long (G17)."""

import contextlib
import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emolens.media.sample import sample_image
from emolens.server.settings import Limits
from tests.raw_http import (
    connect,
    exchange,
    read_answer,
    seconds_until_closed,
    send_and_read,
    wait_for,
)
from tests.raw_stream import BINARY, PING, START, TEXT, frame, handshake, opened_stream
from tests.server_process import ServerProcess, running_server
from tests.stream_fuzzer import image

pytestmark = pytest.mark.slow

LIMITS = Limits(head_s=1.0, stall_s=1.0, idle_s=2.0, connections=24, streams=3)
# Time for what the server does in addition to a limit.
SLACK_S = 3.0
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
JPEG = sample_image().read_bytes()
SMALL = image()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("server"), limits=LIMITS) as running:
        yield running


@pytest.fixture(autouse=True)
def is_alive_afterwards(server: ServerProcess) -> Iterator[None]:
    yield
    assert wait_for(lambda: server.ask("GET", "/livez").status == 200)


def post(path: str, n_bytes: int, *lines: str) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {n_bytes}", *lines]
    return "\r\n".join([*head, "", ""]).encode()


def form(n_images: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
    return (part + JPEG + b"\r\n") * n_images + b"--b--\r\n"


class TestHead:
    def test_a_silent_connection_is_closed(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            assert LIMITS.head_s / 2 < seconds_until_closed(connection, 10.0)
            assert seconds_until_closed(connection, 10.0) < LIMITS.head_s + SLACK_S

    def test_a_slow_head_is_refused(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            answer = send_and_read(connection, [LIVE[:20]])
        assert (answer.status, answer.error_code) == (408, "timeout")

    def test_a_head_that_arrives_byte_by_byte_is_refused(self, server: ServerProcess) -> None:
        def drops() -> Iterator[bytes]:
            for byte in LIVE[:-4] * 4:
                yield bytes([byte])
                time.sleep(0.05)

        with connect(server.port) as connection:
            began_s = time.monotonic()
            answer = send_and_read(connection, drops())
        assert answer.status in (0, 408)
        assert time.monotonic() - began_s < 4 * LIMITS.head_s + SLACK_S

    def test_empty_lines_do_not_hold_a_connection(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            assert send_and_read(connection, [LIVE]).status == 200
            began_s = time.monotonic()
            with contextlib.suppress(ConnectionError):
                while time.monotonic() - began_s < 3 * LIMITS.idle_s:
                    connection.sendall(b"\r\n")
                    time.sleep(0.1)
            assert time.monotonic() - began_s < 3 * LIMITS.idle_s

    def test_a_head_of_more_than_64_kb_is_refused(self, server: ServerProcess) -> None:
        lines = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(200))
        answer = exchange(server.port, LIVE[:-2] + lines)
        assert (answer.status, answer.error_code) == (431, "request_too_large")


class TestBody:
    def test_a_body_that_stops_is_refused(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            answer = send_and_read(connection, [post("/v1/analyze", 1000), b"abc"])
        assert (answer.status, answer.error_code) == (408, "timeout")
        assert answer.seconds < LIMITS.stall_s + SLACK_S

    def test_a_body_may_take_longer_than_a_head(self, server: ServerProcess) -> None:
        def parts() -> Iterator[bytes]:
            yield post("/v1/analyze", len(SMALL), "Content-Type: image/jpeg")
            third = len(SMALL) // 3
            for part in (SMALL[:third], SMALL[third : 2 * third], SMALL[2 * third :]):
                time.sleep(0.6 * LIMITS.stall_s)
                yield part

        with connect(server.port) as connection:
            assert send_and_read(connection, parts()).status == 200

    def test_an_analysis_may_take_longer_than_a_head(self, tmp_path: Path) -> None:
        body = form(16)
        head = post("/v1/analyze", len(body), "Content-Type: multipart/form-data; boundary=b")
        with running_server(tmp_path, limits=Limits(head_s=0.1)) as server:
            answer = exchange(server.port, head + body)
        assert answer.status == 200
        assert len(answer.json()["images"]) == 16


class TestIdle:
    def test_an_idle_connection_is_closed(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            assert send_and_read(connection, [LIVE]).status == 200
            seconds = seconds_until_closed(connection, 10.0)
        assert LIMITS.head_s + 0.5 < seconds < LIMITS.idle_s + SLACK_S

    def test_a_connection_serves_many_requests_without_waits(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            began_s = time.monotonic()
            statuses = [send_and_read(connection, [LIVE]).status for _ in range(100)]
        assert set(statuses) == {200}
        assert time.monotonic() - began_s < 3.0  # 4.3 s if small packets are delayed

    def test_a_stream_lives_longer_than_any_limit_of_heads(self, server: ServerProcess) -> None:
        with opened_stream(server.port) as stream:
            for number in range(8):
                stream.send_frame(number, SMALL)
                assert stream.receive_json()["type"] == "result"
                time.sleep(0.5 * LIMITS.head_s)

    def test_an_idle_stream_is_closed(self, server: ServerProcess) -> None:
        with opened_stream(server.port) as stream:
            began_s = time.monotonic()
            assert stream.receive_json()["error"]["code"] == "timeout"
            assert stream.close_code() == 1001
        assert time.monotonic() - began_s < LIMITS.idle_s + SLACK_S

    def test_a_stream_that_does_not_start_is_closed(self, server: ServerProcess) -> None:
        with opened_stream(server.port, start=None) as stream:
            began_s = time.monotonic()
            assert stream.receive_json()["error"]["code"] == "timeout"
            assert stream.close_code() == 1008
        assert time.monotonic() - began_s < LIMITS.head_s + SLACK_S

    def test_pings_do_not_keep_a_stream_open(self, server: ServerProcess) -> None:
        with opened_stream(server.port) as stream:
            began_s = time.monotonic()
            with contextlib.suppress(ConnectionError):
                while time.monotonic() - began_s < 4 * LIMITS.idle_s:
                    stream.send(frame(PING, b"x"))
                    time.sleep(0.05)
        assert time.monotonic() - began_s < LIMITS.idle_s + LIMITS.stall_s + SLACK_S

    def test_a_message_that_never_ends_does_not_keep_a_stream_open(
        self, server: ServerProcess
    ) -> None:
        with opened_stream(server.port) as stream:
            began_s = time.monotonic()
            with contextlib.suppress(ConnectionError):
                stream.send(frame(BINARY, b"x", is_final=False))
                while time.monotonic() - began_s < 4 * LIMITS.idle_s:
                    stream.send(frame(0, b"x", is_final=False))
                    time.sleep(0.05)
        assert time.monotonic() - began_s < LIMITS.idle_s + LIMITS.stall_s + SLACK_S

    def test_a_handshake_without_end_is_closed(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            connection.sendall(handshake(server.port)[:-2])
            assert seconds_until_closed(connection, 10.0) < LIMITS.head_s + SLACK_S

    def test_a_close_without_goodbye_is_finished(self, server: ServerProcess) -> None:
        with opened_stream(server.port) as stream:
            stream.send(frame(TEXT, b"not a frame"))
            assert stream.close_code() == 1003
            # This client never answers the close and never closes.
            assert seconds_until_closed(stream.connection, 10.0) < LIMITS.stall_s + SLACK_S


class TestUnread:
    def test_a_client_that_never_reads_answers_is_cut_off(self, server: ServerProcess) -> None:
        request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with narrow_connection(server.port) as connection:
            assert is_cut_off(connection, request, pause_s=0.005)

    def test_a_client_that_never_reads_results_is_cut_off(self, server: ServerProcess) -> None:
        with narrow_connection(server.port) as connection:
            connection.sendall(handshake(server.port) + frame(TEXT, START))
            image = frame(BINARY, struct.pack(">d", 1.0) + SMALL)
            assert is_cut_off(connection, image, pause_s=0.002)
        assert wait_for(lambda: server.metrics()["emolens_streams"] == 0)

    def test_a_client_that_never_reads_pongs_is_cut_off(self, server: ServerProcess) -> None:
        with narrow_connection(server.port) as connection:
            connection.sendall(handshake(server.port) + frame(TEXT, START))
            assert is_cut_off(connection, frame(PING, b"x" * 125) * 200)


def narrow_connection(port: int) -> socket.socket:
    """Open a connection whose client takes few bytes that it does not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20.0)
    connection.connect(("127.0.0.1", port))
    return connection


def is_cut_off(connection: socket.socket, request: bytes, *, pause_s: float = 0.0) -> bool:
    """Send and never read; return whether the server ends the connection."""
    ends_s = time.monotonic() + 20.0
    try:
        while time.monotonic() < ends_s:
            connection.sendall(request)
            time.sleep(pause_s)
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return False


class TestPipelines:
    def test_some_requests_may_be_sent_at_once(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            connection.sendall(
                LIVE * 7 + LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            )
            with connection.makefile("rb") as answers:
                assert answers.read().count(b"HTTP/1.1 200 OK") == 8

    def test_thousands_of_requests_at_once_are_refused(self, server: ServerProcess) -> None:
        server.reset_peak()
        before_mb = server.peak_mb
        with narrow_connection(server.port) as connection:
            assert is_cut_off(connection, b"GET / HTTP/1.1\r\n\r\n" * 10_000)
        assert server.peak_mb - before_mb < 20.0


class TestNumber:
    def test_more_connections_are_refused_and_the_others_go_on(self, server: ServerProcess) -> None:
        assert wait_for(lambda: is_served(server))
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(connect(server.port)) for _ in range(LIMITS.connections)]
            time.sleep(0.1)
            refused = exchange(server.port, LIVE)
            assert (refused.status, refused.error_code) == (503, "busy")
            assert refused.headers["retry-after"] == "1"
            assert refused.seconds < 0.5
            assert send_and_read(held[0], [LIVE]).status == 200
            assert send_and_read(held[-1], [LIVE]).status == 200

    def test_too_many_streams_are_refused_and_the_others_go_on(self, server: ServerProcess) -> None:
        with contextlib.ExitStack() as stack:
            streams = [
                stack.enter_context(opened_stream(server.port)) for _ in range(LIMITS.streams)
            ]
            refused = exchange(server.port, handshake(server.port))
            assert (refused.status, refused.error_code) == (503, "busy")
            assert "retry-after" in refused.headers
            for stream in streams:
                stream.send_frame(0.0, SMALL)
                assert stream.receive_json()["type"] == "result"

    def test_streams_that_start_at_once_are_limited(self, server: ServerProcess) -> None:
        with contextlib.ExitStack() as stack:
            streams = [
                stack.enter_context(opened_stream(server.port, start=None))
                for _ in range(LIMITS.streams + 2)
            ]
            for stream in streams:
                stream.send(frame(TEXT, START))
            kinds = [json.loads(stream.receive()[1])["type"] for stream in streams]
            assert kinds.count("ready") == LIMITS.streams
            assert kinds.count("error") == 2


def is_served(server: ServerProcess) -> bool:
    return server.ask("GET", "/livez").status == 200


class TestLeaks:
    def test_connects_and_disconnects_at_every_stage_leave_nothing(
        self, server: ServerProcess
    ) -> None:
        stages = [
            b"",
            LIVE[:10],
            LIVE,
            post("/v1/analyze", 1000),
            post("/v1/analyze", 1000) + b"abc",
            post("/v1/analyze", len(SMALL)) + SMALL,
            handshake(server.port),
            handshake(server.port) + frame(TEXT, START)[:5],
            handshake(server.port) + frame(TEXT, START),
            handshake(server.port) + frame(TEXT, START) + frame(BINARY, bytes(8) + SMALL)[:500],
            handshake(server.port) + frame(TEXT, START) + frame(BINARY, bytes(8) + SMALL),
        ]
        assert wait_for(lambda: idle_descriptors(server) == idle_descriptors(server))
        leave_at(server, stages)  # what is made once
        before = server.n_threads, idle_descriptors(server)
        for _ in range(8):
            leave_at(server, stages)
        assert wait_for(lambda: (server.n_threads, idle_descriptors(server)) == before)
        metrics = server.metrics()
        assert metrics["emolens_streams"] == 0
        assert metrics["emolens_body_bytes"] == 0
        assert metrics["emolens_frames_in_flight"] == 0

    def test_a_client_that_leaves_reads_no_answer(self, server: ServerProcess) -> None:
        with connect(server.port) as connection:
            connection.sendall(post("/v1/analyze", len(JPEG)) + JPEG)
            connection.shutdown(socket.SHUT_WR)
            read_answer(connection)
        assert wait_for(lambda: server.metrics()["emolens_body_bytes"] == 0)


def idle_descriptors(server: ServerProcess) -> int:
    time.sleep(0.05)
    return server.n_descriptors


def leave_at(server: ServerProcess, stages: list[bytes]) -> None:
    for number, sent in enumerate(stages * 2):
        with connect(server.port) as connection:
            if number % 2:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            with contextlib.suppress(ConnectionError):
                connection.sendall(sent)
                time.sleep(0.01)
