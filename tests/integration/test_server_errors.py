"""Errors show no traceback, path or version, and every answer has all headers (G17)."""

import importlib.metadata
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from emolens.server.headers import SECURITY_HEADERS
from tests.raw_http import Answer, connect, exchange, send_and_read
from tests.raw_stream import handshake
from tests.server_process import ServerProcess, running_server

pytestmark = pytest.mark.slow

_LIBRARIES = ("emolens", "fastapi", "starlette", "uvicorn", "httptools", "websockets", "h11")
LEAKS = [
    b"Traceback",
    b"site-packages",
    b'File "',
    str(Path.home()).encode(),
    str(Path(__file__).parents[2]).encode(),
    b".py",
    *(f"{name}/".encode() for name in _LIBRARIES),
    *(f"{name} {importlib.metadata.version(name)}".encode() for name in _LIBRARIES[:-1]),
]


def request(line: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    """Return a request to this computer; that of a POST has a length."""
    length = [b"Content-Length: %d" % len(body)] if line.startswith(b"POST") else []
    head = (line + b" HTTP/1.1", b"Host: localhost", *length, *lines, b"", b"")
    return b"\r\n".join(head) + body


FORM = b"Content-Type: multipart/form-data"
# Requests to paths and methods that do not exist, and with damaged parts.
REQUESTS = {
    "an unknown path": request(b"GET /nothing"),
    "an unknown static file": request(b"GET /static/nothing.js"),
    "the documentation of FastAPI": request(b"GET /docs"),
    "another method": request(b"PUT /v1/analyze"),
    "GET of POST": request(b"GET /v1/analyze"),
    "POST of GET": request(b"POST /livez"),
    "HEAD of GET": request(b"HEAD /livez"),
    "OPTIONS": request(b"OPTIONS /livez"),
    "OPTIONS of everything": request(b"OPTIONS *"),
    "TRACE": request(b"TRACE /"),
    "CONNECT": request(b"CONNECT evil.example:443"),
    "an invented method": request(b"BREW /"),
    "a damaged number": request(b"POST /v1/analyze?min_confidence=x"),
    "not a number": request(b"POST /v1/analyze?min_confidence=nan"),
    "an empty body": request(b"POST /v1/analyze"),
    "a form without boundary": request(b"POST /v1/analyze", FORM, body=b"a"),
    "a damaged form": request(b"POST /v1/analyze", FORM + b"; boundary=b", body=b"--b\r\na"),
    "a boundary that is no text": request(
        b"POST /v1/analyze", FORM + b"; boundary=\xff", body=b"a"
    ),
    "invalid UTF-8 in the path": request(b"GET /%ff%fe"),
    "invalid UTF-8 in the query": request(b"POST /v1/analyze?name=%ff&%ff=1"),
    "bytes above 127 in the path": request(b"GET /\xc3\xa4\xff"),
    "a zero byte in the path": request(b"GET /%00"),
    "a path of 8 KB": request(b"GET /" + b"a" * 8192),
    "a query of 60 KB": request(b"GET /livez?" + b"a" * 60_000),
    "a query with many values": request(b"POST /v1/analyze?" + b"a=1&" * 10_000),
    "a full address": request(b"GET http://evil.example/livez"),
    "an unknown upgrade": request(b"GET /livez", b"Connection: Upgrade", b"Upgrade: h2c"),
    "HTTP/1.0": b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n",
    "an unknown job": request(b"GET /v1/jobs/x"),
    "an unknown output": request(b"GET /v1/jobs/x/passwords"),
    "a job with a long name": request(b"GET /v1/jobs/" + b"a" * 5000),
    "an unknown emotion": request(b"POST /v1/explain?emotion=love"),
    "another host": b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a stream without WebSocket": request(b"GET /v1/stream"),
    "a range": request(b"GET /", b"Range: bytes=9999999-"),
    "a damaged range": request(b"GET /", b"Range: bytes=x"),
    "a damaged date": request(b"GET /static/client.js", b"If-Modified-Since: x"),
}
# Data that no application sees.
NOT_HTTP = {
    "text": b"hello\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "a space in the path": b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a zero byte in a header": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
    "a header without name": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n",
    "a folded header": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n X: a\r\n\r\n",
    "a space before the colon": b"GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "a damaged version": b"GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n",
}
# Handshakes that are none.
HANDSHAKES = {
    "another path": {"path": "/v1/nothing"},
    "a path of HTTP": {"path": "/livez"},
    "a path of a file": {"path": "/static/index.html"},
    "another host": {"Host": "evil.example"},
    "a damaged key": {"Sec-WebSocket-Key": "no"},
    "another version": {"Sec-WebSocket-Version": "7"},
    "another upgrade": {"Upgrade": "websocket, h2c"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


def assert_silent(answer: Answer) -> None:
    text = answer.body + str(answer.headers).encode()
    found = [leak for leak in LEAKS if leak in text and not text_is_allowed(answer)]
    assert not found, (found, answer)
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers


def text_is_allowed(answer: Answer) -> bool:
    """The page and its scripts may name the project."""
    return answer.headers.get("content-type", "").startswith(("text/html", "text/javascript"))


def assert_headers(answer: Answer) -> None:
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name.lower()] == value
    assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["x-request-id"])


@pytest.mark.parametrize("name", REQUESTS)
def test_answers_say_nothing_about_the_server(server: ServerProcess, name: str) -> None:
    with connect(server.port) as connection:
        answer = send_and_read(connection, [REQUESTS[name]])
    assert 200 <= answer.status < 500, answer
    assert_silent(answer)
    assert_headers(answer)
    if answer.status >= 400 and not name.startswith("HEAD"):
        assert answer.headers["content-type"] == "application/json"
        assert answer.error_code
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("name", NOT_HTTP)
def test_data_that_is_not_http_is_refused(server: ServerProcess, name: str) -> None:
    answer = exchange(server.port, NOT_HTTP[name])
    assert answer.status == 400
    assert answer.error_code == "bad_input"
    assert_silent(answer)
    assert_headers(answer)


@pytest.mark.parametrize("name", HANDSHAKES)
def test_handshakes_that_are_none_are_refused(server: ServerProcess, name: str) -> None:
    answer = exchange(server.port, handshake(server.port, **HANDSHAKES[name]))
    assert 400 <= answer.status < 500, answer
    assert answer.error_code
    assert_silent(answer)
    assert_headers(answer)


def test_a_large_head_is_refused_silently(server: ServerProcess) -> None:
    answer = exchange(
        server.port, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"
    )
    assert answer.status == 431
    assert_silent(answer)
    assert_headers(answer)


class TestRequestIds:
    @pytest.mark.parametrize("given", ["abc", "A-b_9", "a" * 64, str(uuid.UUID(int=5))])
    def test_ids_of_clients_are_kept(self, server: ServerProcess, given: str) -> None:
        answer = server.ask("GET", "/nothing", X_Request_ID=given)
        assert answer.headers["x-request-id"] == given
        assert answer.json()["request_id"] == given

    @pytest.mark.parametrize("given", ["", "a" * 65, "a b", "<b>", "a\tb", "\xe4", "a;b", "../a"])
    def test_other_ids_are_replaced(self, server: ServerProcess, given: str) -> None:
        answer = server.ask("GET", "/nothing", X_Request_ID=given)
        assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["x-request-id"])

    def test_a_stream_has_an_id(self, server: ServerProcess) -> None:
        answer = exchange(server.port, handshake(server.port, X_Request_ID="abc"))
        assert (answer.status, answer.headers["x-request-id"]) == (101, "abc")


class TestLogs:
    def test_each_line_is_json_without_contents(self, server: ServerProcess) -> None:
        server.ask("POST", "/v1/analyze?name=secret-name.jpg", body=b"secret-body")
        server.ask("GET", "/secret-path?secret-query", X_Other="secret-header")
        text = server.log.read_text()
        lines = [line for line in text.splitlines() if line.startswith("{")]
        assert len(lines) >= len(text.splitlines()) - 1  # all but the address
        assert "secret" not in text
        assert all(line["level"] in ("info", "warning") for line in server.log_lines())
