"""HTTP on a bare socket: requests that no library would send, and their answers."""

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or the end of the connection without one.

    Attributes:
        status: The status; 0 without an answer.
        headers: Names in lower case, and values.
        body: The body.
        seconds: Time from the last byte sent, or the refusal to take more, to the whole answer.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def error_code(self) -> str:
        """The code of the error."""
        code: str = self.json()["error"]["code"]
        return code

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


def connect(port: int, timeout_s: float = 30.0) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=timeout_s)


def exchange(port: int, *parts: bytes, timeout_s: float = 30.0) -> Answer:
    """Send bytes on a new connection and read one answer."""
    with connect(port, timeout_s) as connection:
        return send_and_read(connection, parts)


def send_and_read(connection: socket.socket, parts: Iterable[bytes]) -> Answer:
    """Send bytes until the server takes no more, and read one answer."""
    method = "GET"
    for number, part in enumerate(parts):
        if number == 0:
            method = part[:16].partition(b" ")[0].decode("latin-1")
        try:
            connection.sendall(part)
        except OSError:
            break
    return read_answer(connection, method)


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """Read one answer; a connection that ends has status 0, and one to HEAD has no body."""
    began_s = time.perf_counter()
    response = http.client.HTTPResponse(connection, method=method)
    with contextlib.closing(response):
        try:
            response.begin()
            body = response.read()
        except (ConnectionError, http.client.HTTPException):
            return Answer(0, {}, b"", time.perf_counter() - began_s)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body, time.perf_counter() - began_s)


def seconds_until_closed(connection: socket.socket, limit_s: float) -> float:
    """Read until the server closes a connection, and return the time; infinity after the limit."""
    began_s = time.monotonic()
    connection.settimeout(limit_s)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return float("inf")
    except OSError:
        pass
    return time.monotonic() - began_s


def wait_for(condition: Callable[[], bool], limit_s: float = 10.0) -> bool:
    """Wait until a condition holds; return whether it does in time."""
    ends_s = time.monotonic() + limit_s
    while not (holds := condition()) and time.monotonic() < ends_s:
        time.sleep(0.02)
    return holds
