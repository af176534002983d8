"""Servers and loads in processes of their own, for `server_load.py`."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

CLIENT: Final = Path(__file__).with_name("load_client.py")
HOST: Final = "127.0.0.1"
_ADDRESS: Final = re.compile(r"listens on http://\S+:(\d+)")
_START_S: Final = 120.0
_STOP_S: Final = 30.0
_POLL_S: Final = 0.1


class ServerFailedError(Exception):
    """A server did not start, or ended before it was stopped."""


class Server:
    """A running server.

    Args:
        command: Its command line.
        log: File for its output.
        ports: Its ports; none if it prints its address as `emolens serve` does.
        environment: Environment variables; None for those of this process.

    Raises:
        ServerFailedError: It is not ready within two minutes.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        ports: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        with log.open("w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment
            )
        try:
            self.ports = self._await_ready(ports)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Stop the server with SIGTERM and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def n_tracebacks(self) -> int:
        """Unexpected errors in the log."""
        return self._log.read_text(encoding="utf-8", errors="replace").count("Traceback")

    def rss_mb(self) -> float:
        """Return the resident memory of the server and its child processes in MB."""
        return sum(_kib(pid, "VmRSS") for pid in _with_children(self._process.pid)) * 1024 / 1e6

    def peak_mb(self) -> float:
        """Return the sum of the peak resident memory of these processes in MB."""
        return sum(_kib(pid, "VmHWM") for pid in _with_children(self._process.pid)) * 1024 / 1e6

    def cpu_s(self) -> float:
        """Return the CPU seconds of these processes so far."""
        return sum(_ticks(pid) for pid in _with_children(self._process.pid)) / os.sysconf(
            "SC_CLK_TCK"
        )

    def _await_ready(self, ports: Sequence[int]) -> list[int]:
        deadline_s = time.monotonic() + _START_S
        while self.is_running and time.monotonic() < deadline_s:
            found = _ADDRESS.search(self._log.read_text(encoding="utf-8", errors="replace"))
            ports = ports or ([int(found[1])] if found else [])
            if ports and all(map(_is_ready, ports)):
                return list(ports)
            time.sleep(_POLL_S)
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        errors = [line for line in lines if "Error:" in line] or lines
        raise ServerFailedError(errors[-1].strip() if errors else "it ended without a message")


class Load:
    """Running clients.

    Args:
        plan: What they do, as `load_client.py` expects it.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(CLIENT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._input = json.dumps(plan)

    def __enter__(self) -> Self:
        # The client reads its plan only when it is complete.
        self._process.stdin.write(self._input)
        self._process.stdin.close()
        self._process.stdin = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()

    @property
    def is_running(self) -> bool:
        """Whether the clients are at work."""
        return self._process.poll() is None

    def results(self) -> dict[str, Any]:
        """Wait for the end and return the results.

        Raises:
            ServerFailedError: The clients failed, for example because they could not connect.
        """
        output, errors = self._process.communicate()
        if self._process.returncode:
            raise ServerFailedError((errors.strip().splitlines() or ["the clients failed"])[-1])
        found: dict[str, Any] = json.loads(output)
        return found


def start_emolens(log: Path) -> Server:
    """Start `emolens serve` on a free port."""
    command = (sys.executable, "-m", "emolens", "serve", "--port", "0", "--quiet")
    return Server(command, log)


def free_port() -> int:
    """Return a port that no program uses."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            found += _with_children(int(child))
    return found


def _kib(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
