"""Measure start, stop, limits and access of the server (G14, G16, G17, G20).

python docs/benchmarks/server_limits.py --json docs/metrics/server-limits.json

The real server runs in a process of its own. Times are those of a client on the loopback network:
from the last byte that the server took, to the whole answer. Memory is the peak of the server's
process during one request, minus its peak before. Needs Linux.
"""

import argparse
import contextlib
import json
import signal
import socket
import statistics
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))

from tests.raw_http import connect, exchange, read_answer, send_and_read, wait_for
from tests.raw_stream import BINARY, START, TEXT, frame, handshake, opened_stream
from tests.server_attacks import (
    JPEG,
    LENGTHS,
    NO_IMAGES,
    PLAYLISTS,
    Attack,
    bombs,
    oversized_messages,
)
from tests.server_process import ServerProcess, running_server
from tests.stream_fuzzer import image

KEY = "a-key-of-more-than-24-characters"
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
READY = LIVE.replace(b"livez", b"readyz")


def start(folder: Path, n_runs: int) -> dict[str, Any]:
    """Return the time to ready, and of the first requests compared with later ones (G14)."""
    ready_s, ratios, early = [], [], 0
    for _ in range(n_runs):
        began_s = time.monotonic()
        with running_server(folder, is_awaited=False) as server:
            server.ask("GET", "/livez")
            while server.ask("GET", "/readyz").status != 200:
                early += 1
                time.sleep(0.005)
            ready_s.append(time.monotonic() - began_s)
            times = [server.ask("POST", "/v1/analyze", body=JPEG).seconds for _ in range(30)]
            ratios.append(times[0] / statistics.median(times[1:]))
    return {
        "runs": n_runs,
        "ready_max_s": max(ready_s),
        "not_ready_answers": early,
        "first_over_median": max(ratios),
    }


def stop(folder: Path, n_runs: int) -> dict[str, Any]:
    """Return the time from SIGTERM to not ready and to the exit, and what was answered (G14)."""
    runs = [_stop_once(folder) for _ in range(n_runs)]
    return {
        "runs": n_runs,
        "not_ready_max_ms": 1e3 * max(run[0] for run in runs),
        "exit_max_s": max(run[1] for run in runs),
        "exit_codes": sorted({run[2] for run in runs}),
        "answered": sum(run[3] for run in runs),
    }


def _stop_once(folder: Path) -> tuple[float, float, int, bool]:
    with running_server(folder) as server, contextlib.ExitStack() as stack:
        probe = stack.enter_context(connect(server.port))
        begun = stack.enter_context(connect(server.port))
        stream = stack.enter_context(opened_stream(server.port))
        head = (
            f"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(JPEG)}\r\n\r\n"
        )
        begun.sendall(head.encode() + JPEG[:-100])
        send_and_read(probe, [READY])
        stream.send_frame(1.0, image())
        began_s = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        while send_and_read(probe, [READY]).status == 200:
            pass
        not_ready_s = time.monotonic() - began_s
        begun.sendall(JPEG[-100:])
        is_answered = read_answer(begun).status == 200
        is_answered &= stream.receive_json()["type"] == "result"
        code = server.process.wait(30.0)
        return not_ready_s, time.monotonic() - began_s, code, is_answered


def refused(server: ServerProcess, attacks: dict[str, Attack], n_runs: int) -> dict[str, Any]:
    """Return the slowest refusal and the largest growth of memory of some attacks."""
    slowest, largest, wrong = ("", 0.0), ("", 0.0), []
    for name, attack in attacks.items():
        for _ in range(n_runs):
            server.reset_peak()
            before_mb = server.peak_mb
            answer = attack.send(server.port)
            more_mb = server.peak_mb - before_mb
            slowest = max(slowest, (name, answer.seconds), key=lambda pair: pair[1])
            largest = max(largest, (name, more_mb), key=lambda pair: pair[1])
            if answer.status not in attack.statuses or not is_alive(server):
                wrong.append(f"{name}: {answer.status}")
    return {
        "attacks": len(attacks),
        "runs": n_runs,
        "slowest_ms": 1e3 * slowest[1],
        "slowest": slowest[0],
        "more_mb": largest[1],
        "largest": largest[0],
        "wrong": wrong,
    }


def limits(folder: Path, n_runs: int) -> dict[str, Any]:
    """Return the refusals of requests beyond the limits (G16) and of other formats (G20)."""
    with running_server(folder) as server:
        for _ in range(5):
            server.ask("POST", "/v1/analyze", body=JPEG)
        results = {
            "lengths": refused(server, dict(LENGTHS), n_runs),
            "bombs": refused(server, bombs(), n_runs),
            "formats": refused(server, formats(), n_runs),
        }
        server.reset_peak()
        before_mb = server.peak_mb
        results["messages"] = {
            "close_codes": oversized_messages(server.port),
            "more_mb": server.peak_mb - before_mb,
        }
        return results


def formats() -> dict[str, Attack]:
    """Return playlists and files that are no images, as images and as videos."""
    return {
        f"{name} {path}": Attack((415, 422), path, (f"Content-Length: {len(body)}",), body)
        for name, body in {**PLAYLISTS, **NO_IMAGES}.items()
        for path in ("/v1/analyze", "/v1/explain", "/v1/jobs")
        if not (path == "/v1/jobs" and name == "a reference movie")  # a video without tracks
    }


def access(folder: Path) -> dict[str, Any]:
    """Return the answers to a wrong origin and a missing key, without a byte of a body (G17)."""
    with running_server(folder, key=KEY) as server:
        head = f"POST /v1/analyze HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: 9000000\r\n"
        without_key = exchange(server.port, f"{head}Expect: 100-continue\r\n\r\n".encode())
        origin = f"{head}Authorization: Bearer {KEY}\r\nOrigin: https://evil.example\r\n\r\n"
        other_page = exchange(server.port, origin.encode())
        return {
            "without_key": without_key.status,
            "without_key_ms": 1e3 * without_key.seconds,
            "other_page": other_page.status,
            "other_page_ms": 1e3 * other_page.seconds,
        }


def leaks(folder: Path, n_connections: int) -> dict[str, Any]:
    """Return what connections leave that end at every stage of a request and of a stream (G17)."""
    with running_server(folder) as server:
        stages = stages_of(server)
        leave(server, stages, 2 * len(stages))
        before = settled(server)
        before_mb = server.rss_mb
        leave(server, stages, n_connections)
        after = settled(server)
        return {
            "connections": n_connections,
            "more_threads": after[0] - before[0],
            "more_descriptors": after[1] - before[1],
            "more_mb": server.rss_mb - before_mb,
            "streams": server.metrics()["emolens_streams"],
            "body_bytes": server.metrics()["emolens_body_bytes"],
        }


def stages_of(server: ServerProcess) -> list[bytes]:
    """Return what a client has sent when it leaves."""
    head = b"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    small, opened = image(), handshake(server.port) + frame(TEXT, START)
    message = frame(BINARY, struct.pack(">d", 0.0) + small)
    stages = [b"", LIVE[:10], LIVE, head % 1000, head % 1000 + b"abc", head % len(small) + small]
    return [
        *stages,
        handshake(server.port),
        opened[:-3],
        opened,
        opened + message[:500],
        opened + message,
    ]


def leave(server: ServerProcess, stages: Sequence[bytes], n_connections: int) -> None:
    """Connect and leave, with and without goodbye."""
    for number in range(n_connections):
        with connect(server.port) as connection, contextlib.suppress(ConnectionError):
            if number % 2:
                reset = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            connection.sendall(stages[number % len(stages)])
            time.sleep(0.002 * (number % 7))


def settled(server: ServerProcess) -> tuple[int, int]:
    """Wait until the server is idle; return its threads and files."""
    wait_for(lambda: server.metrics()["emolens_streams"] == 0, 30.0)
    time.sleep(2.0)
    return server.n_threads, server.n_descriptors


def is_alive(server: ServerProcess) -> bool:
    """Return whether the server answers."""
    return exchange(server.port, LIVE).status == 200


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        results = {
            "start": start(folder, options.runs),
            "stop": stop(folder, options.runs),
            "limits": limits(folder, options.runs),
            "access": access(folder),
            "leaks": leaks(folder, options.connections),
        }
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
