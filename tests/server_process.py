"""The real server as a process of its own, on a free port."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from emolens.server.settings import Limits
from tests.raw_http import Answer, exchange

READY_S = 60.0
_ADDRESS = re.compile(r"emolens listens on http://127\.0\.0\.1:(\d+)")
# The command line has no options for limits, so that no user can switch them off.
_SERVE = """
import json, sys
from emolens.server.keys import read_keys
from emolens.server.run import serve
from emolens.server.settings import Limits, ServerSettings
given = json.loads(sys.argv[1])
settings = ServerSettings(
    port=0,
    origins=tuple(given["origins"]),
    keys=read_keys(None, {"EMOLENS_KEY": given["key"]} if given["key"] else {}),
    limits=Limits(**given["limits"]),
)
serve(settings, on_listening=lambda address: print("emolens listens on", address, file=sys.stderr))
"""


@dataclass(frozen=True, slots=True, eq=False)
class ServerProcess:
    """A running server.

    Attributes:
        process: Its process.
        port: Its port.
        log: File with its standard error.
        limits: Its limits.
    """

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    limits: Limits

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Address as clients name it."""
        return f"http://{self.address}"

    @property
    def rss_mb(self) -> float:
        """Memory of the process in megabytes."""
        return self._status("VmRSS") / 1024

    @property
    def peak_mb(self) -> float:
        """Largest memory of the process since `reset_peak`, in megabytes."""
        return self._status("VmHWM") / 1024

    @property
    def n_threads(self) -> int:
        """Number of threads."""
        return self._status("Threads")

    @property
    def n_descriptors(self) -> int:
        """Number of open files and sockets."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def children(self) -> list[int]:
        """Processes that the server started."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in path.read_text().split()]

    def reset_peak(self) -> None:
        """Begin to measure the largest memory."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        timeout_s: float = 30.0,
        **headers: str,
    ) -> Answer:
        """Send a request on a connection of its own; `_` in names of headers stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        fields = {"Host": self.address, "Connection": "close", **named}
        if body or method == "POST":
            fields.setdefault("Content-Length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        request = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
        return exchange(self.port, request + body, timeout_s=timeout_s)

    def metrics(self) -> dict[str, float]:
        """Return the values of `/metrics` by name and labels."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def wait_until_ready(self) -> None:
        """Wait for the end of the warm-up."""
        ends_s = time.monotonic() + READY_S
        while self.ask("GET", "/readyz").status != 200:
            assert time.monotonic() < ends_s, self.log.read_text()
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = 30.0) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def log_lines(self) -> list[dict[str, object]]:
        """Return the structured lines of the log."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def _status(self, name: str) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
        assert match is not None
        return int(match[1])


@contextlib.contextmanager
def running_server(
    folder: Path,
    *,
    limits: Limits | None = None,
    key: str = "",
    origins: tuple[str, ...] = (),
    is_awaited: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Iterator[ServerProcess]:
    """Run a server inside the block.

    Args:
        folder: Folder for its log.
        limits: Its limits.
        key: The key that clients need; empty for none.
        origins: Origins of pages that may use it.
        is_awaited: Whether to wait for the end of the warm-up.
        environment: Variables in addition to those of this process.
    """
    limits = limits or Limits()
    given = {"limits": asdict(limits), "key": key, "origins": origins}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, json.dumps(given)],
            stderr=output,
            env={**os.environ, **(environment or {})},
        )
    try:
        server = ServerProcess(process, _port(process, log), log, limits)
        if is_awaited:
            server.wait_until_ready()
        yield server
    finally:
        process.kill()
        process.wait()


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    ends_s = time.monotonic() + READY_S
    while time.monotonic() < ends_s and process.poll() is None:
        if match := _ADDRESS.search(log.read_text(encoding="utf-8")):
            return int(match[1])
        time.sleep(0.01)
    text = log.read_text(encoding="utf-8")
    raise AssertionError(f"the server does not start (exit code {process.poll()}): {text}")
