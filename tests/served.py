"""`emolens serve` in a process of its own, as users start it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READY_S: Final = 60.0
STOP_S: Final = 30.0
_ADDRESS: Final = re.compile(r"emolens listens on (http://\S+)")
# Not through a proxy, which the environment may name.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server.

    Attributes:
        address: Its address, such as `http://127.0.0.1:40123`.
        process: Its process.
        log: The file of its standard error.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path


@contextlib.contextmanager
def server_process(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Start `emolens serve` on a free port, wait until it is ready, and stop it with SIGTERM.

    Args:
        folder: Folder that it runs in, with its log.
        arguments: Further options.
        environment: Variables that are added to those of this process, such as `EMOLENS_KEY`.

    Raises:
        AssertionError: It does not become ready, or ends with another exit code than 0.
    """
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "emolens", "serve", "--port", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
    try:
        deadline_s = time.monotonic() + READY_S
        address = _listening(process, log, deadline_s)
        _wait_until_ready(address, process, log, deadline_s)
        yield ServerProcess(address, process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _listening(process: subprocess.Popen[bytes], log: Path, deadline_s: float) -> str:
    while (found := _ADDRESS.search(log.read_text())) is None:
        _check_alive(process, log, deadline_s)
    return found[1]


def _wait_until_ready(
    address: str, process: subprocess.Popen[bytes], log: Path, deadline_s: float
) -> None:
    while True:
        try:
            with _OPEN(f"{address}/readyz", timeout=5):
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 503:
                raise
        _check_alive(process, log, deadline_s)


def _check_alive(process: subprocess.Popen[bytes], log: Path, deadline_s: float) -> None:
    assert process.poll() is None, log.read_text()
    assert time.monotonic() < deadline_s, f"not ready after {READY_S:g} s: {log.read_text()}"
    time.sleep(0.05)
