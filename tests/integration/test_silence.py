"""Nothing leaves the machine or stays on it unasked: docs/benchmarks/silence.py, shortened."""

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.scripts import load_script

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="native calls are heard on Linux only"
)

SCRIPT = Path(__file__).parents[2] / "docs" / "benchmarks" / "silence.py"
# ONNX Runtime first calls its collector 9.5 s after its import, and writes its files at once.
QUIET_S = 12.0
# What libraries do behind Python's back, in C, and what Python does; nothing leaves this machine.
NOISE = """
import ctypes, socket
c = ctypes.CDLL(None)
c.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
socket.socket(socket.AF_INET6).close()
with socket.socket() as probe:
    probe.connect_ex(("127.0.0.1", 9))
socket.getaddrinfo("localhost", 80)
socket.socketpair()
from pathlib import Path
home = Path.home()
c.mkdir(str(home / "made").encode(), 0o700)
c.fclose(ctypes.c_void_p(ctypes.cast(c.fopen, ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p,
    ctypes.c_char_p))(str(home / "native").encode(), b"w")))
(home / "gone").write_text("")
(home / "gone").unlink()
(Path.cwd() / "here").write_text("")
Path("/dev/null").write_text("")
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script(SCRIPT)


@pytest.fixture(scope="module")
def surroundings(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The ear, and a folder with an image and a clip."""
    inputs = tmp_path_factory.mktemp("inputs")
    script.prepare(inputs)
    try:
        ear = script.build_ear(tmp_path_factory.mktemp("ear"))
    except RuntimeError as error:
        pytest.fail(str(error))
    return {"ear": ear, "inputs": inputs}


@pytest.fixture(scope="module")
def waiting(script: ModuleType, surroundings: dict[str, Path]) -> Iterator["Future[Any]"]:
    """Python that has used everything and then waits, while the other tests run."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(script.hear, script.PYTHON, seconds=QUIET_S, **surroundings)


def test_noise_is_heard(script: ModuleType, surroundings: dict[str, Path]) -> None:
    heard = script.hear(NOISE, **surroundings)
    assert heard.returncode == 0, heard.output
    assert heard.calls == (
        *("socket AF_INET", "socket AF_INET6", "socket AF_INET", "connect "),
        "getaddrinfo localhost",
    )
    assert heard.files == ("here", "home/gone", "home/made", "home/native")


@pytest.mark.parametrize("command", ["image", "video", "live"])
def test_commands_are_silent(
    script: ModuleType,
    surroundings: dict[str, Path],
    waiting: "Future[Any]",
    command: str,
) -> None:
    arguments, asked_for = script.COMMANDS[command]
    heard = script.hear(script.COMMAND, arguments, asked_for=asked_for, **surroundings)
    assert heard.returncode == 0, heard.output
    assert (heard.calls, heard.files) == ((), ())


def test_a_server_is_silent(script: ModuleType, surroundings: dict[str, Path]) -> None:
    heard = script.hear_server(**surroundings, seconds=2 * QUIET_S)
    assert heard.returncode == 0, heard.output
    assert (heard.calls, heard.files) == ((), ())


def test_pages_with_plots_leave_no_cache(
    script: ModuleType, surroundings: dict[str, Path], generated_data: Path
) -> None:
    pytest.importorskip("seaborn")
    evaluate = ("evaluate", "--model", "labels-small", "--data", str(generated_data))
    page = ("--split", "PublicTest", "--report", "page")
    heard = script.hear(
        script.COMMAND,
        (*evaluate, *page),
        asked_for=frozenset({"page", "page/metrics.json", "page/report.html"}),
        **surroundings,
    )
    assert heard.returncode == 0, heard.output
    assert (heard.calls, heard.files) == ((), ())


def test_python_stays_silent(waiting: "Future[Any]") -> None:
    heard = waiting.result()
    assert heard.returncode == 0, heard.output
    assert "happy" in heard.output
    assert (heard.calls, heard.files) == ((), ())
