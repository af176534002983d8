"""Record hidden network calls and unrequested files of commands (G25).

python docs/benchmarks/silence.py --seconds 60 --json docs/metrics/silence.json

Every command runs in an empty folder with an empty home, without the variable `CI`, which disables
the telemetry of ONNX Runtime. The process then stays alive until the time is over. `silence.c`
records every call that opens an internet socket or resolves an address, and every file that is
created or opened for writing, also in native libraries. It needs Linux and a C compiler.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from emolens.client import Client
from emolens.core.frame import FrameResult
from emolens.media.recording_sink import RecordingSink
from emolens.media.sample import sample_image
from emolens.testing import crowd_clip

_EAR: Final = Path(__file__).with_suffix(".c")
_WRITE: Final = "write "
# Virtual file systems without real files.
_NO_FILES: Final = ("/dev/", "/proc/")
# Variables that a process inherits: none that could disable telemetry.
_KEPT: Final = frozenset({"PATH", "PYTHONPATH", "LD_LIBRARY_PATH"})
# A server may say something after its stop, too.
_AFTERWARDS_S: Final = 2.0
# While a server starts, its clients ask again.
_RETRIES: Final = 30
# Run code, then wait until the time is over.
_STAY: Final = """
import sys, time
ends_s = time.monotonic() + float(sys.argv.pop(1))
try:
    exec(sys.argv.pop(1))
finally:
    sys.stdout.flush()
    time.sleep(max(0.0, ends_s - time.monotonic()))
"""
COMMAND: Final = "from emolens.cli.main import run; run()"
PYTHON: Final = (
    "import emolens; print(emolens.analyze('face.png')); "
    "print(sum(1 for result in emolens.stream('clip.mkv')))"
)
COMMANDS: Final[Mapping[str, tuple[Sequence[str], frozenset[str]]]] = {
    "image": (
        ("image", "face.png", "--jsonl", "o.jsonl", "--annotated", "drawn"),
        frozenset({"o.jsonl", "o.jsonl.emolens.json", "drawn", "drawn/face.png"}),
    ),
    "video": (
        *(("video", "clip.mkv", "--table", "o.csv", "--annotated", "o.mkv", "--report", "o.html"),),
        frozenset({"o.csv", "o.csv.emolens.json", "o.mkv", "o.html"}),
    ),
    "live": (
        *(("live", "--source", "clip.mkv", "--no-window", "--jsonl", "o.jsonl"),),
        frozenset({"o.jsonl", "o.jsonl.emolens.json"}),
    ),
}
"""The arguments and the requested files of each command."""
SERVER: Final = """
import os, signal, sys, threading
stop = threading.Timer(float(sys.argv.pop(1)), os.kill, (os.getpid(), signal.SIGTERM))
stop.start()
from emolens.cli.main import run
run()
"""
"""Code of a server that stops itself after the seconds of its first argument."""
OWN_SOCKET: Final = ("getaddrinfo 127.0.0.1", "socket AF_INET")
"""The calls of a server that listens on this computer."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The recorded actions of a process.

    Attributes:
        returncode: Its exit code.
        output: Its standard output and standard error.
        calls: Every network call: its kind and its address.
        files: Files that it created, changed or left, except the requested ones.
    """

    returncode: int
    output: str
    calls: tuple[str, ...]
    files: tuple[str, ...]


def build_ear(folder: Path) -> Path:
    """Compile `silence.c` into a folder.

    Raises:
        RuntimeError: The platform is not Linux, or there is no working C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        raise RuntimeError("hearing native calls needs Linux and a C compiler (cc or gcc)")
    ear = folder / "silence.so"
    options = ("-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", str(ear), str(_EAR), "-ldl")
    done = subprocess.run([compiler, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{_EAR.name} cannot be compiled:\n{done.stderr}")
    return ear


def prepare(folder: Path) -> None:
    """Write an image and a clip of 3 s to a folder."""
    shutil.copy(sample_image(), folder / "face.png")
    clip = crowd_clip(1, size_wh=(320, 240), rate_hz=15, duration_s=3)
    with RecordingSink(folder / "clip.mkv") as recording:
        for frame in clip:
            recording.write(frame, FrameResult(frame.size_wh, ()))


def hear(
    code: str,
    arguments: Sequence[str] = (),
    *,
    ear: Path,
    inputs: Path,
    seconds: float = 0.0,
    asked_for: frozenset[str] = frozenset(),
) -> Heard:
    """Run Python code in a separate process and record its actions.

    Args:
        code: The code.
        arguments: Its command line.
        ear: The library from `build_ear`.
        inputs: Folder whose files are copied to its working folder.
        seconds: Minimum lifetime of the process in seconds.
        asked_for: Names of the files that it should write to its working folder.
    """
    with TemporaryDirectory() as name:
        room = Path(name).resolve()
        for folder in ("home", "tmp"):
            (room / folder).mkdir()
        shutil.copytree(inputs, room / "work")
        expected = {path.name for path in inputs.iterdir()} | asked_for
        kept = {key: of for key, of in os.environ.items() if key in _KEPT}
        done = subprocess.run(
            [sys.executable, "-c", _STAY, str(seconds), code, *arguments],
            cwd=room / "work",
            env={
                **kept,
                "HOME": str(room / "home"),
                "TMPDIR": str(room / "tmp"),
                "LD_PRELOAD": str(ear),
                "SILENCE_LOG": str(room / "log"),
                # Bytecode files of Python are not results of emolens.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        log = room / "log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        calls = tuple(line for line in lines if not line.startswith(_WRITE))
        written = {line.removeprefix(_WRITE) for line in lines if line.startswith(_WRITE)}
        return Heard(done.returncode, done.stdout, calls, _unasked(room, written, expected))


def hear_server(*, ear: Path, inputs: Path, seconds: float) -> Heard:
    """Record the actions of a server whose clients use all that it offers.

    Its calls are given without those of its own socket.

    Args:
        ear: The library from `build_ear`.
        inputs: Folder with `face.png` and `clip.mkv`.
        seconds: Lifetime of the server in seconds.

    Raises:
        RuntimeError: The server has other calls for its socket than `OWN_SOCKET`.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = (str(seconds), "serve", "--port", str(port), "--quiet")
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(
            hear, SERVER, arguments, ear=ear, inputs=inputs, seconds=seconds + _AFTERWARDS_S
        )
        use_server(f"http://127.0.0.1:{port}", inputs)
        heard = serving.result()
    n_own = len(OWN_SOCKET)
    if heard.calls[:n_own] != OWN_SOCKET:
        raise RuntimeError(f"the server began with {heard.calls[:n_own]}")
    return replace(heard, calls=heard.calls[n_own:])


def use_server(address: str, inputs: Path) -> None:
    """Send images, a stream and a video to a server."""
    image = (inputs / "face.png").read_bytes()
    with Client(address, retries=_RETRIES) as client:
        client.models()
        assert client.analyze(image).faces  # noqa: S101 (otherwise nothing is measured)
        client.explain(image)
        assert client.analyze_video(inputs / "clip.mkv").table  # noqa: S101 (as above)
        with client.stream() as stream:
            assert stream.send(image).result.faces  # noqa: S101 (as above)


def _unasked(room: Path, written: set[str], expected: set[str]) -> tuple[str, ...]:
    """Return files left in the three folders of a room, or written outside two of them.

    Files beside the results and in the folder for temporary files may be created and deleted.
    """
    home, temporary, work = (room / folder for folder in ("home", "tmp", "work"))
    passing = (*_NO_FILES, f"{work}/", f"{temporary}/")
    found = {path for path in written if not path.startswith(passing)}
    found |= {str(path) for folder in (home, temporary) for path in folder.rglob("*")}
    here = {str(path.relative_to(work)) for path in work.rglob("*")} - expected
    return tuple(sorted({path.replace(f"{room}/", "") for path in found} | here))


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="lifetime of every process")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as name, ThreadPoolExecutor() as pool:
        inputs = Path(name) / "inputs"
        inputs.mkdir()
        prepare(inputs)
        listen = partial(hear, ear=build_ear(Path(name)), inputs=inputs, seconds=options.seconds)
        running = {"Python": pool.submit(listen, PYTHON)}
        for command, (arguments, asked_for) in COMMANDS.items():
            running[command] = pool.submit(listen, COMMAND, arguments, asked_for=asked_for)
        running["serve"] = pool.submit(hear_server, **listen.keywords)
        heard = {command: future.result() for command, future in running.items()}
    for command, found in heard.items():
        if found.returncode:
            raise RuntimeError(f"{command} failed: {found.output}")
    results = {
        "machine": f"{platform.system()} {platform.machine()}",
        "onnxruntime": version("onnxruntime"),
        "seconds": options.seconds,
        "n_calls": sum(len(found.calls) for found in heard.values()),
        "n_files": sum(len(found.files) for found in heard.values()),
        "runs": {
            command: {"calls": found.calls, "files": found.files}
            for command, found in heard.items()
        },
    }
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
