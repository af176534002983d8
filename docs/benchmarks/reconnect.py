"""Measure reconnection to a camera, and leaked threads and files (G4).

python docs/benchmarks/reconnect.py --cycles 100 --json docs/metrics/reconnect.json

A camera on the loopback network (HTTP, MJPEG) is repeatedly switched off and on. In every fourth
cycle it stops sending without closing the connection. Times are measured from the switch to the
change of the stream's status.
"""

import argparse
import contextlib
import json
import socket
import threading
import time
from functools import partial
from pathlib import Path

import cv2

from emolens.core.frame import Frame, FrameResult
from emolens.media.network_source import NetworkSource
from emolens.pipeline.runner import StreamRunner
from emolens.testing import crowd_clip

RATE_HZ = 25.0
LIMIT_S = 15.0


class Camera:
    """A server that sends JPEG images until it is switched off or muted."""

    def __init__(self) -> None:
        self.jpeg = cv2.imencode(".jpg", crowd_clip(1, size_wh=(320, 240)).draw(0.0))[1].tobytes()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.is_off = threading.Event()
        self.is_silent = threading.Event()
        self.threads: list[threading.Thread] = []

    def switch_on(self) -> None:
        """Accept connections."""
        self.is_off.clear()
        self.is_silent.clear()
        self.listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.listener.settimeout(0.05)
        self.threads = [threading.Thread(target=self._listen)]
        self.threads[0].start()

    def switch_off(self) -> None:
        """Close every connection."""
        self.is_off.set()
        for thread in self.threads:
            thread.join()
        self.listener.close()

    def _listen(self) -> None:
        while not self.is_off.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self.listener.accept()
                thread = threading.Thread(target=self._send, args=(connection,))
                self.threads.append(thread)
                thread.start()

    def _send(self, connection: socket.socket) -> None:
        head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
        part = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(self.jpeg)
        with connection, contextlib.suppress(OSError):
            connection.sendall(head)
            while not self.is_off.wait(1 / RATE_HZ):
                if not self.is_silent.is_set():
                    connection.sendall(part + self.jpeg + b"\r\n")


def step(frame: Frame, *, dropped_before: int = 0) -> FrameResult:
    """Return an empty result: only the source is measured."""
    return FrameResult(frame.size_wh, (), frame.index, frame.media_time_s, dropped_before)


def wait_for(runner: StreamRunner, *, is_up: bool) -> float:
    """Return the seconds until the stream reports that its source is up or down."""
    began_s = time.monotonic()
    while runner.status.is_source_up != is_up and time.monotonic() - began_s < LIMIT_S:
        time.sleep(0.01)
    return time.monotonic() - began_s


def descriptors() -> int:
    """Return the number of open files of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    camera = Camera()
    camera.switch_on()
    address = f"http://127.0.0.1:{camera.port}/"
    runner = StreamRunner(partial(NetworkSource, address), step, is_live=True, is_endless=True)
    consumer = threading.Thread(target=lambda: [None for _ in runner])
    consumer.start()
    wait_for(runner, is_up=True)
    n_threads, n_descriptors = threading.active_count(), descriptors()
    noticed_s, back_s = [], []
    for cycle in range(options.cycles):
        if cycle % 4 == 3:
            camera.is_silent.set()
            noticed_s.append(wait_for(runner, is_up=False))
            camera.switch_off()
        else:
            camera.switch_off()
            noticed_s.append(wait_for(runner, is_up=False))
        time.sleep(0.3)
        camera.switch_on()
        back_s.append(wait_for(runner, is_up=True))
    time.sleep(1)
    more = threading.active_count() - n_threads, descriptors() - n_descriptors
    began_s = time.monotonic()
    runner.stop()
    stop_s = time.monotonic() - began_s
    consumer.join()
    camera.switch_off()
    results = {
        "cycles": options.cycles,
        "noticed_max_s": max(noticed_s),
        "back_max_s": max(back_s),
        "more_threads": more[0],
        "more_descriptors": more[1],
        "stop_s": stop_s,
    }
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
