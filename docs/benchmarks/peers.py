"""Compare emolens, fer and deepface on the same images and clips.

python docs/benchmarks/peers.py --json docs/metrics/peers.json
python docs/benchmarks/peers.py --data fer2013 --json docs/metrics/peers.json

Each program runs in its own process and environment, on the same processors and with the same
number of threads. The environments of the other programs are created once (8 GB, most of it
dependencies of fer). In each round, every program starts anew and processes a first image, then,
warmed up, all images and clips. The rounds of the programs alternate, so other load on the device
affects all of them. The results are medians of the rounds. Programs that cannot be measured are
listed with the reason.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final, Self

import peer_images
import platformdirs
from peer_images import RATE_HZ, Scene, compare

_COMMAND_RUNS: Final = 9
# Backgrounds of FER2013's faces.
GROUNDS: Final = ("grey", "photographs")
WORKER: Final = Path(__file__).with_name("peer_worker.py")
# Versions that work together on Python 3.11. fer 25.10.3 is the newest. It imports pkg_resources,
# which setuptools 81 no longer contains, and needs moviepy below 2 and, through facenet-pytorch,
# torch 2.2 and NumPy 1. deepface 0.0.103 imports werkzeug without declaring it. The files of its
# default detector are missing in OpenCV 5. `server_load.py` needs FastAPI and uvicorn.
_SHELL: Final = ("fastapi==0.165.0", "uvicorn==0.54.0", "httptools==0.9.0")
REQUIREMENTS: Final[Mapping[str, Sequence[str]]] = {
    "fer": (
        *_SHELL,
        *("fer==25.10.3", "tensorflow==2.21.0", "keras==3.15.1", "protobuf==7.36.2"),
        *("facenet-pytorch==2.6.0", "torch==2.2.2", "torchvision==0.17.2", "numpy==1.26.4"),
        *("opencv-contrib-python==4.11.0.86", "moviepy==1.0.3", "pandas==3.0.6"),
        *("pillow==10.2.0", "matplotlib==3.11.2", "setuptools==80.9.0"),
    ),
    "deepface": (
        *_SHELL,
        *("deepface==0.0.103", "onnxruntime==1.32.0", "numpy==2.4.6", "pandas==3.1.1"),
        *("opencv-contrib-python-headless==4.14.0.94", "retina-face==0.0.19"),
        *("werkzeug==3.1.9", "gdown==6.5.1"),
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """The measurements of a program.

    Attributes:
        package: The package whose environment it needs.
        every: Every N-th frame of a clip is analysed, to limit the run time.
        does_images: Whether images and the time to the first result are measured.
        does_clips: Whether clips are measured.
        does_fer2013: Whether its predictions on FER2013's faces are counted.
    """

    package: str
    every: int = 1
    does_images: bool = True
    does_clips: bool = True
    does_fer2013: bool = True


PLANS: Final[Mapping[str, Plan]] = {
    "emolens": Plan("emolens"),
    "emolens, every frame": Plan("emolens", does_images=False, does_fer2013=False),
    "emolens, labels": Plan("emolens", does_images=False, does_clips=False),
    "fer": Plan("fer", every=3),
    "fer, MTCNN": Plan("fer", every=15),
    "deepface": Plan("deepface", every=15),
    "deepface, faces only": Plan("deepface", every=15, does_fer2013=False),
}


class NotMeasuredError(Exception):
    """A program could not be installed or loaded, or failed."""


class Worker:
    """A running program that accepts requests.

    Args:
        name: One of `PLANS`.
        python: The interpreter of its environment.
        n_threads: Maximum number of threads.
        home: Folder for its files.
    """

    def __init__(self, name: str, python: Path, n_threads: int, home: Path) -> None:
        self._name = name
        self._log: IO[str] = (home / f"{PLANS[name].package}.log").open("w+")
        self._process = subprocess.Popen(
            [str(python), str(WORKER), name, str(n_threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment(n_threads, home, own=PLANS[name].package == "emolens"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """Send one request and wait for the reply.

        Raises:
            NotMeasuredError: The program failed.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        try:
            stdin.write(json.dumps({"do": do, **what}) + "\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # its last output is read below
        line = stdout.readline()
        found: dict[str, Any] = json.loads(line) if line else {"error": self._last_words()}
        if "error" in found:
            raise NotMeasuredError(reason_of(self._name, found["error"]))
        return found

    def _last_words(self) -> str:
        self._log.seek(0)
        return " / ".join(self._log.read().splitlines()[-3:]) or "it exited without a message"


def environment(n_threads: int, home: Path, *, own: bool) -> dict[str, str]:
    """Return the environment variables of a program, with thread limits for all known libraries."""
    kept = {key: of for key, of in os.environ.items() if own or key != "PYTHONPATH"}
    names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    limits = {f"{name}{'' if 'TF' in name else '_NUM'}_THREADS": str(n_threads) for name in names}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "DEEPFACE_HOME": str(home), "CUDA_VISIBLE_DEVICES": ""}
    return {**kept, **limits, **quiet}


def reason_of(name: str, error: str) -> str:
    """Return why a program was not measured, from the last lines of its output."""
    if "download" in error and name.startswith("deepface"):
        return "its weights could not be downloaded"
    return error[:300]


def build_environment(package: str, folder: Path) -> Path:
    """Create the environment of a peer unless it exists, and return its interpreter."""
    if package == "emolens":
        return Path(sys.executable)
    place = folder / package
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark, wanted = place / "installed", "\n".join(REQUIREMENTS[package])
    if mark.exists() and mark.read_text() == wanted:
        return python
    shutil.rmtree(place, ignore_errors=True)
    print(f"installing {package} into {place} ...", file=sys.stderr)
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    for command in ((sys.executable, "-m", "venv", place), (*install, *REQUIREMENTS[package])):
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NotMeasuredError(f"it could not be installed: {last}")
    mark.write_text(wanted)
    return python


@dataclass(frozen=True, slots=True)
class Material:
    """The inputs of all programs."""

    scenes: list[Scene]
    clips: dict[str, str]
    fer2013: dict[str, list[Scene]]


def make_material(folder: Path, options: argparse.Namespace) -> Material:
    """Write all images and clips to a folder."""
    folders = {name: folder / name for name in ("images", "clips", *GROUNDS)}
    for place in folders.values():
        place.mkdir()
    grounds = GROUNDS if options.data else ()
    return Material(
        peer_images.sample_scenes(folders["images"], options.images),
        peer_images.write_clips(folders["clips"], options.seconds),
        {
            ground: peer_images.fer2013_scenes(
                folders[ground], options.data, options.faces, on_grey=ground == "grey"
            )
            for ground in grounds
        },
    )


def one_round(name: str, python: Path, n_threads: int, home: Path, material: Material) -> Any:
    """Start a program, measure it once, and stop it."""
    plan = PLANS[name]
    paths = _paths(material.scenes)
    record: dict[str, Any] = {"images": None, "clips": {}}
    began_s = time.perf_counter()
    with Worker(name, python, n_threads, home) as worker:
        worker.ask("images", paths=paths[:1])
        record["first_answer_s"] = time.perf_counter() - began_s
        if plan.does_images:
            worker.ask("images", paths=paths[:3])
            done = worker.ask("images", paths=paths)
            record["images"] = {
                "wall_ms": 1e3 * done["wall_s"] / len(paths),
                "cpu_ms": 1e3 * done["cpu_s"] / len(paths),
                "counts": compare(material.scenes, done["faces"]),
            }
        for size, path in material.clips.items() if plan.does_clips else ():
            done = worker.ask("clip", path=path, every=plan.every)
            n_frames = len(done["n_faces"])
            record["clips"][size] = {
                "wall_ms": 1e3 * done["wall_s"] / n_frames,
                "cpu_ms": 1e3 * done["cpu_s"] / n_frames,
                "frames": n_frames,
                "share_with_one_face": done["n_faces"].count(1) / n_frames,
            }
        record |= worker.ask("end")
    return record


def summary(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the medians of the rounds; the counts are the same in each round."""
    first = rounds[0]
    middle: dict[str, Any] = {
        "versions": first["versions"],
        "first_answer_s": statistics.median(of["first_answer_s"] for of in rounds),
        "peak_mb": statistics.median(of["peak_mb"] for of in rounds),
        "images": _medians([of["images"] for of in rounds]) if first["images"] else None,
        "clips": {size: _medians([of["clips"][size] for of in rounds]) for size in first["clips"]},
    }
    return middle


def _medians(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    times = ("wall_ms", "cpu_ms")
    return {**records[0], **{key: statistics.median(of[key] for of in records) for key in times}}


def measure(names: Sequence[str], options: argparse.Namespace, material: Material) -> Any:
    """Run all rounds of all programs alternately; programs that failed have a reason."""
    rounds: dict[str, list[Any]] = {name: [] for name in names if _is_timed(PLANS[name])}
    reasons: dict[str, str] = {}
    fer2013: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for number in range(options.rounds):
        for name in [name for name in rounds if name not in reasons]:
            print(f"round {number + 1}: {name}", file=sys.stderr)
            try:
                python = build_environment(PLANS[name].package, options.environments)
                found = one_round(name, python, options.threads, options.environments, material)
                rounds[name].append(found)
            except NotMeasuredError as error:
                reasons[name] = str(error)
    for name in [name for name in names if PLANS[name].does_fer2013 and name not in reasons]:
        if material.fer2013:
            print(f"FER2013: {name}", file=sys.stderr)
            python = build_environment(PLANS[name].package, options.environments)
            with Worker(name, python, options.threads, options.environments) as worker:
                fer2013[name] = {
                    ground: compare(scenes, worker.ask("images", paths=_paths(scenes))["faces"])
                    for ground, scenes in material.fer2013.items()
                }
    if "emolens" in names:
        own = measure_commands(options, material.scenes[0].path, material.clips["640x480"])
    programs = {name: summary(found) for name, found in rounds.items() if name not in reasons}
    return {"programs": programs, "not_measured": reasons, "fer2013": fer2013, "own": own}


def measure_commands(options: argparse.Namespace, image: str, clip: str) -> dict[str, Any]:
    """Measure the speed of `emolens image` and `emolens live`, and the load at 30 frames/s."""
    results: dict[str, Any] = {}
    python = build_environment("emolens", options.environments)
    with Worker("emolens", python, options.threads, options.environments) as worker:
        fast = [worker.ask("live", path=clip, paced=False) for _ in range(options.rounds)]
        paced = worker.ask("live", path=clip, paced=True)
    results["command_s"] = measure_command(options, image)
    results["results_per_s"] = statistics.median(of["processed"] / of["wall_s"] for of in fast)
    results["cores_at_30_hz"] = paced["cpu_s"] / paced["wall_s"]
    results["dropped_at_30_hz"] = paced["dropped"]
    results["frames"] = paced["processed"] + paced["dropped"]
    return results


def measure_command(options: argparse.Namespace, image: str) -> float:
    """Return the seconds of `emolens image IMAGE` in a new process: median of runs."""
    command = (sys.executable, "-m", "emolens", "image", image)
    home = options.environments
    taken_s = []
    for _ in range(_COMMAND_RUNS):
        began_s = time.perf_counter()
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            env=environment(options.threads, home, own=True),
        )
        taken_s.append(time.perf_counter() - began_s)
    return statistics.median(taken_s)


def _paths(scenes: Sequence[Scene]) -> list[str]:
    return [scene.path for scene in scenes]


def _is_timed(plan: Plan) -> bool:
    return plan.does_images or plan.does_clips


def processor() -> str:
    """Return the model name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def restrict(n_threads: int) -> None:
    """Limit this process and its children to N processors, if the platform supports it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_threads])


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    cache = Path(platformdirs.user_cache_dir("emolens")) / "peers"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--threads", type=int, default=2, help="threads and processors of each program"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each clip")
    parser.add_argument("--data", type=Path, help="FER2013, for faces with known expressions")
    parser.add_argument(
        "--faces", type=int, default=150, help="faces of FER2013 on each background"
    )
    parser.add_argument(
        "--environments", type=Path, default=cache, help="folder of the environments"
    )
    parser.add_argument("--programs", nargs="+", default=list(PLANS), choices=list(PLANS))
    parser.add_argument("--warning", default="", help="additional text for the page")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Print the results and write them to a file."""
    options = read_options()
    options.environments.mkdir(parents=True, exist_ok=True)
    restrict(options.threads)
    with TemporaryDirectory() as name:
        measured = measure(options.programs, options, make_material(Path(name), options))
    results = {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "processor": processor(),
        "warning": options.warning,
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "threads": options.threads,
        "rounds": options.rounds,
        "clip_seconds": options.seconds,
        "clip_hz": RATE_HZ,
        "face_px": peer_images.FACE_PX,
        "every": {name: PLANS[name].every for name in options.programs},
        **measured,
    }
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
