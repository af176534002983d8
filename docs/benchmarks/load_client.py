"""Clients of `server_load.py` in a process of their own: requests out, counts and times in.

`server_load.py` starts this script and writes a plan as JSON to its standard input. The script
replies with JSON on standard output. It uses the standard library only and decodes no result: what
it computes is taken from the server on the same processors.
"""

import asyncio
import base64
import json
import os
import re
import socket
import struct
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

HOST: Final = "127.0.0.1"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY: Final = re.compile(rb"\r\nretry-after: *\d+", re.IGNORECASE)
_CAPTURED: Final = re.compile(rb'"captured_s": ?([-+.e\d]+)')
_RESULT: Final = b'{"type":"result"'
_DROPPED: Final = re.compile(rb'"n_dropped": ?(\d+)')
_SEND_BYTES: Final = 512 * 1024
_TICK_S: Final = 0.005
# WebSocket: final frame of text or bytes, masked with zeros, which leaves the payload as it is.
_TEXT, _BINARY, _MASK = 0x81, 0x82, b"\0\0\0\0"


class Answer(NamedTuple):
    """An answer: its status, 0 without any, and whether it says when to try again."""

    status: int = 0
    has_retry: bool = False


_NONE: Final = Answer()


class HttpConnection(asyncio.Protocol):
    """A connection that is kept alive, with one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[Answer] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed it."""
        return not self._transport.is_closing()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # the narrower type that asyncio passes
        """Keep the transport; a request is sent in one piece."""
        self._transport = transport
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            return _NONE
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Wait for a whole answer."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[: end + 2])
        length = _LENGTH.search(head)
        if len(self._received) < end + 4 + int(length[1] if length else 0):
            return
        self._received.clear()
        self._finish(Answer(int(head[9:12]), _RETRY.search(head) is not None))

    def connection_lost(self, _error: Exception | None) -> None:
        """End a request that waits."""
        self._finish(_NONE)

    def _finish(self, answer: Answer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)


class Tally:
    """Counts and times of requests that are answered inside a window of time.

    Args:
        warm_up_s: Seconds until the window begins.
        seconds: Its length.
    """

    def __init__(self, warm_up_s: float, seconds: float) -> None:
        self.begins_s = time.perf_counter() + warm_up_s
        self.ends_s = self.begins_s + seconds
        self._seconds = seconds
        self._statuses: Counter[int] = Counter()
        self._times_ms: dict[int, list[float]] = {}
        self._n_retry = 0

    @property
    def is_over(self) -> bool:
        """Whether the window is over."""
        return time.perf_counter() >= self.ends_s

    def add(self, answer: Answer, sent_s: float) -> None:
        """Count an answer."""
        now_s = time.perf_counter()
        if self.begins_s <= now_s < self.ends_s:
            self._statuses[answer.status] += 1
            self._n_retry += answer.status == 503 and answer.has_retry
            self._times_ms.setdefault(answer.status, []).append(1e3 * (now_s - sent_s))

    def results(self) -> dict[str, Any]:
        """Return counts by status and the times of results and of rejects."""
        return {
            "seconds": self._seconds,
            "n_answers": self._statuses.total(),
            "n_results": self._statuses[200],
            "n_rejects": self._statuses[503],
            "n_rejects_with_retry": self._n_retry,
            "n_lost": self._statuses[0],
            "n_others": sum(of for key, of in self._statuses.items() if key not in (0, 200, 503)),
            "results_per_s": self._statuses[200] / self._seconds,
            "results_ms": percentiles(self._times_ms.get(200, [])),
            "rejects_ms": percentiles(self._times_ms.get(503, [])),
        }


def percentiles(times_ms: list[float]) -> dict[str, float] | None:
    """Return p50, p95, p99 and the maximum; None without times."""
    if not times_ms:
        return None
    ordered = sorted(times_ms)
    found = {f"p{n}": ordered[min(len(ordered) - 1, len(ordered) * n // 100)] for n in (50, 95, 99)}
    return {**found, "max": ordered[-1]}


def requests_of(plan: dict[str, Any]) -> list[bytes]:
    """Return a request for each image."""
    bodies = [Path(path).read_bytes() for path in plan["images"]]
    head = (
        f"POST {plan['path']} HTTP/1.1\r\nHost: {HOST}\r\n"
        "Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n"
    )
    return [head.format(len(body)).encode("ascii") + body for body in bodies]


async def connect(port: int) -> HttpConnection | None:
    """Open a connection; None if the server does not accept it."""
    loop = asyncio.get_running_loop()
    try:
        return (await loop.create_connection(HttpConnection, HOST, port))[1]
    except OSError:
        return None


async def closed_loop(plan: dict[str, Any]) -> dict[str, Any]:
    """Run clients that send the next image when the last one is answered."""
    requests = requests_of(plan)
    tally = Tally(plan["warm_up_s"], plan["seconds"])

    async def client(number: int) -> None:
        connection = None
        for turn in count(number * 7):
            if tally.is_over:
                break
            if connection is None or not connection.is_open:
                connection = await connect(plan["ports"][number % len(plan["ports"])])
            sent_s = time.perf_counter()
            request = requests[turn % len(requests)]
            answer = await connection.ask(request) if connection else _NONE
            tally.add(answer, sent_s)
            if answer.status != 200:
                await asyncio.sleep(plan.get("retry_s", 0.1))

    await _until(tally.ends_s, [client(number) for number in range(plan["clients"])])
    return tally.results()


async def open_loop(plan: dict[str, Any]) -> dict[str, Any]:
    """Send images at a fixed rate, whether or not the earlier ones are answered."""
    requests = requests_of(plan)
    tally = Tally(plan["warm_up_s"], plan["seconds"])
    idle: deque[HttpConnection] = deque()
    running: set[asyncio.Task[None]] = set()
    n_sent = n_unsent = 0

    async def send(number: int) -> None:
        while idle and not idle[-1].is_open:
            idle.pop()
        connection = idle.pop() if idle else await connect(plan["ports"][0])
        sent_s = time.perf_counter()
        request = requests[number % len(requests)]
        answer = await connection.ask(request) if connection else _NONE
        tally.add(answer, sent_s)
        if connection and connection.is_open:
            idle.append(connection)

    due_s, number = time.perf_counter(), 0
    while not tally.is_over:
        while due_s <= time.perf_counter():
            due_s += 1 / plan["rate_hz"]
            number += 1
            is_counted = tally.begins_s <= due_s < tally.ends_s
            if len(running) >= plan["max_open"]:
                n_unsent += is_counted
                continue
            n_sent += is_counted
            task = asyncio.create_task(send(number))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    offered = {"n_sent": n_sent, "n_unsent": n_unsent, "sent_per_s": n_sent / plan["seconds"]}
    return tally.results() | offered


class StreamConnection(asyncio.Protocol):
    """A WebSocket that sends frames and notes when their results arrive."""

    def __init__(self, frames: Sequence[bytes], tally: Tally) -> None:
        self._frames, self._tally = frames, tally
        self._received = bytearray()
        self._is_upgraded = False
        self.is_ready = asyncio.get_running_loop().create_future()
        self.has_result = asyncio.Event()
        self.times_ms: list[float] = []
        self.n_sent = self.n_errors = self.n_dropped = 0
        self._n_dropped_before = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # the narrower type that asyncio passes
        """Send the handshake."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        transport.write(
            f"GET /v1/stream HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            "".encode("ascii")
        )

    def send_frame(self, number: int) -> None:
        """Send one frame with the time of now."""
        encoded = self._frames[number % len(self._frames)]
        now_s = time.perf_counter()
        self.n_sent += self._tally.begins_s <= now_s < self._tally.ends_s
        self._send(_BINARY, struct.pack(">d", now_s) + encoded)

    def close(self) -> None:
        """Close the connection."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take the answer to the handshake, then messages."""
        self._received += data
        if not self._is_upgraded:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._is_upgraded = True
            del self._received[: end + 4]
            self._send(_TEXT, b'{"type":"start"}')
        while (message := self._next_message()) is not None:
            self._take(message)

    def connection_lost(self, _error: Exception | None) -> None:
        """End what waits."""
        if not self.is_ready.done():
            self.is_ready.set_exception(ConnectionError("the stream was refused"))
        self.has_result.set()

    def results(self, seconds: float) -> dict[str, Any]:
        """Return counts and round-trip times."""
        return {
            "n_sent": self.n_sent,
            "n_results": len(self.times_ms),
            "n_errors": self.n_errors,
            "n_dropped": self.n_dropped - self._n_dropped_before,
            "results_per_s": len(self.times_ms) / seconds,
            "results_ms": percentiles(self.times_ms),
        }

    def _take(self, message: bytes) -> None:
        if not self.is_ready.done():
            self.is_ready.set_result(None)
            return
        now_s = time.perf_counter()
        captured, dropped = _CAPTURED.search(message), _DROPPED.search(message)
        if not message.startswith(_RESULT) or not captured:
            self.n_errors += 1
        elif now_s < self._tally.begins_s:
            self._n_dropped_before = self.n_dropped = int(dropped[1]) if dropped else 0
        elif now_s < self._tally.ends_s:
            self.times_ms.append(1e3 * (now_s - float(captured[1])))
            self.n_dropped = int(dropped[1]) if dropped else 0
        self.has_result.set()

    def _next_message(self) -> bytes | None:
        if len(self._received) < 4:
            return None
        n_bytes, start = self._received[1] & 0x7F, 2
        if n_bytes == 126:
            n_bytes, start = int.from_bytes(self._received[2:4], "big"), 4
        elif n_bytes == 127:
            n_bytes, start = int.from_bytes(self._received[2:10], "big"), 10
        if len(self._received) < start + n_bytes:
            return None
        message = bytes(self._received[start : start + n_bytes])
        del self._received[: start + n_bytes]
        return message

    def _send(self, kind: int, payload: bytes) -> None:
        n_bytes = len(payload)
        if n_bytes < 126:
            head = struct.pack(">BB", kind, 0x80 | n_bytes)
        elif n_bytes < 1 << 16:
            head = struct.pack(">BBH", kind, 0x80 | 126, n_bytes)
        else:
            head = struct.pack(">BBQ", kind, 0x80 | 127, n_bytes)
        self._transport.writelines((head, _MASK, payload))


async def streams(plan: dict[str, Any]) -> dict[str, Any]:
    """Run streams that send at a fixed rate, or wait for each result if the rate is null."""
    frames = [Path(path).read_bytes() for path in plan["frames"]]
    tally = Tally(plan["warm_up_s"], plan["seconds"])
    loop = asyncio.get_running_loop()
    opened: list[StreamConnection] = []

    async def client(number: int) -> None:
        _, stream = await loop.create_connection(
            lambda: StreamConnection(frames, tally), HOST, plan["ports"][0]
        )
        opened.append(stream)
        await stream.is_ready
        if plan["rate_hz"] is not None:  # cameras are not in step
            await asyncio.sleep(number / plan["clients"] / plan["rate_hz"])
        due_s = time.perf_counter()
        for turn in count(number):
            stream.has_result.clear()
            stream.send_frame(turn)
            if plan["rate_hz"] is None:
                await stream.has_result.wait()
            else:
                due_s += 1 / plan["rate_hz"]
                await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            if tally.is_over:
                return

    await _until(tally.ends_s, [client(number) for number in range(plan["clients"])])
    for stream in opened:
        stream.close()
    return {
        "seconds": plan["seconds"],
        "streams": [stream.results(plan["seconds"]) for stream in opened],
        "results_ms": percentiles([of for stream in opened for of in stream.times_ms]),
    }


async def _until(ends_s: float, clients: Sequence[Awaitable[None]]) -> None:
    """Run clients until a time; an error of one ends all."""
    tasks = [asyncio.ensure_future(client) for client in clients]
    done, waiting = await asyncio.wait(
        tasks,
        timeout=ends_s - time.perf_counter() + 0.1,
        return_when=asyncio.FIRST_EXCEPTION,
    )
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for task in done:
        task.result()


async def lags_ms(found: list[float]) -> None:
    """Note how late this process wakes up, which is part of all times that it measures."""
    while True:
        due_s = time.perf_counter() + _TICK_S
        await asyncio.sleep(_TICK_S)
        found.append(1e3 * max(0.0, time.perf_counter() - due_s))


KINDS: Final[dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]]] = {
    "closed": closed_loop,
    "open": open_loop,
    "streams": streams,
}


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Run a plan and add what this process itself used."""
    lags: list[float] = []
    ticker = asyncio.ensure_future(lags_ms(lags))
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    results = await KINDS[plan["kind"]](plan)
    ticker.cancel()
    cores = (time.process_time() - cpu_s) / (time.perf_counter() - wall_s)
    return {**results, "client_cores": cores, "client_lag_ms": percentiles(lags)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
