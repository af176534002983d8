"""Measure `emolens serve` under load, beside other programs behind a server (G15).

python docs/benchmarks/server_load.py --json docs/metrics/server.json

The server and the clients run in processes of their own on the same two processors. The clients use
the standard library only and decode nothing. All programs get the same images from the same
clients, in alternating rounds; the round with the median rate counts. `--short` takes seconds and
measures nothing of use. The environments of the other programs are those of `peers.py`.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import cv2
import numpy as np
import peer_images
import peers
import platformdirs

from emolens.testing import crowd_clip
from server_process import Load, Server, ServerFailedError, free_port, start_emolens

LONG_SIDES_PX: Final = (480, 640, 800, 1024, 1280)
FRAME_SIZE_WH: Final = (640, 480)
_IMAGE_QUALITY: Final = 85
_FRAME_QUALITY: Final = 80
_FRAME_HZ: Final = 30.0
_SHELL: Final = Path(__file__).with_name("peer_server.py")
# Caches and arenas of memory fill up first.
_SETTLED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        threads: Processors of all processes.
        images: Number of different images.
        clients: Clients that send images at the same time.
        warm_up_s: Seconds of each load that do not count.
        seconds: Seconds of each load.
        rounds: Rounds of the comparison.
        memory_s: Seconds of the mixed load.
        overload_s: Seconds of the overload.
        overload: Offered images per second, relative to the peak.
    """

    threads: int = 2
    images: int = 20
    clients: int = 32
    warm_up_s: float = 5.0
    seconds: float = 20.0
    rounds: int = 3
    memory_s: float = 600.0
    overload_s: float = 300.0
    overload: float = 10.0


SHORT: Final = Sizes(
    images=5, clients=4, warm_up_s=0.5, seconds=1.0, rounds=1, memory_s=2.0, overload_s=2.0
)
# A program, threads per process and processes. The better variant of a program counts.
PEERS: Final[Mapping[str, tuple[str, int, int]]] = {
    "fer, 2 threads": ("fer", 2, 1),
    "fer, 2 processes": ("fer", 1, 2),
    "deepface, 2 threads": ("deepface", 2, 1),
    "deepface, 2 processes": ("deepface", 1, 2),
}


@dataclass(frozen=True, slots=True)
class Material:
    """The files that clients send.

    Attributes:
        images: Paths of images.
        frames: Paths of the frames of a stream.
    """

    images: list[str]
    frames: list[str]


def make_material(folder: Path, n_images: int) -> Material:
    """Write images of mixed size with one to three faces, and one second of a camera, as JPEG."""
    images, frames = [], []
    for number, scene in enumerate(peer_images.sample_scenes(folder, n_images)):
        drawn = cv2.imread(scene.path)
        scale = LONG_SIDES_PX[number % len(LONG_SIDES_PX)] / max(drawn.shape[:2])
        resized = cv2.resize(drawn, None, fx=scale, fy=scale)
        images.append(_write(folder / f"image-{number:02}.jpg", resized, _IMAGE_QUALITY))
    camera = crowd_clip(1, size_wh=FRAME_SIZE_WH)
    for number in range(round(_FRAME_HZ)):
        drawn = camera.draw(number / _FRAME_HZ)
        frames.append(_write(folder / f"frame-{number:02}.jpg", drawn, _FRAME_QUALITY))
    return Material(images, frames)


def _write(path: Path, image: Any, quality: int) -> str:
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return str(path)


class Bench:
    """All measurements with the same material.

    Args:
        sizes: How much is measured.
        material: What clients send.
        folder: Folder for logs.
    """

    def __init__(self, sizes: Sizes, material: Material, folder: Path) -> None:
        self._sizes = sizes
        self._material = material
        self._log = folder / "server.log"

    def emolens(self) -> Server:
        """Start `emolens serve`."""
        return start_emolens(self._log)

    def peer(self, name: str, environments: Path) -> Server:
        """Start another program behind its shell.

        Raises:
            NotMeasuredError: It cannot be installed or started.
        """
        program, n_threads, n_processes = PEERS[name]
        python = peers.build_environment(program, environments)
        ports = [free_port() for _ in range(n_processes)]
        command = [str(python), str(_SHELL), program, "--threads", str(n_threads)]
        command += ["--ports", *map(str, ports)]
        environment = peers.environment(n_threads, environments, own=False)
        try:
            return Server(command, self._log, ports=ports, environment=environment)
        except ServerFailedError as error:
            raise peers.NotMeasuredError(peers.reason_of(program, str(error))) from error

    def closed(self, server: Server, **changes: Any) -> Load:
        """Clients that send an image when the last one is answered."""
        return self._load("closed", server, clients=self._sizes.clients, **changes)

    def streams(self, server: Server, n: int, rate_hz: float | None, **changes: Any) -> Load:
        """Streams with a rate, or that wait for each result."""
        return self._load("streams", server, clients=n, rate_hz=rate_hz, **changes)

    def images(self, server: Server) -> dict[str, Any]:
        """Measure images of many clients."""
        with self.closed(server) as load:
            found, cores = self._with_cores(server, load)
        return found | {"server_cores": cores, "peak_mb": server.peak_mb()}

    def live(self, server: Server) -> dict[str, Any]:
        """Measure streams: one, several, and one beside clients with images."""
        with self.streams(server, 1, _FRAME_HZ) as load:
            paced, cores = self._with_cores(server, load)
        with self.streams(server, 1, None) as load:
            waiting = load.results()
        with self.streams(server, 8, _FRAME_HZ) as load:
            eight = load.results()
        rates = [of["results_per_s"] for of in eight["streams"]]
        with self.closed(server) as images, self.streams(server, 1, _FRAME_HZ) as load:
            beside = load.results() | {"images": images.results()}
        return {
            "size_wh": FRAME_SIZE_WH,
            "rate_hz": _FRAME_HZ,
            "one_paced": paced | {"server_cores": cores},
            "one_waiting": waiting,
            "eight_paced": eight | {"slowest_over_mean": min(rates) / max(np.mean(rates), 1e-9)},
            "one_beside_images": beside,
        }

    def memory(self, server: Server) -> dict[str, Any]:
        """Measure memory under a mixed load: images, streams that wait and streams with a rate."""
        seconds = self._sizes.memory_s
        samples: list[tuple[float, float]] = []
        with (
            self._load("closed", server, clients=8, seconds=seconds) as images,
            self.streams(server, 2, _FRAME_HZ / 2, seconds=seconds) as streams,
        ):
            began_s = time.monotonic()
            while images.is_running and server.is_running:
                samples.append((time.monotonic() - began_s, server.rss_mb()))
                time.sleep(min(1.0, seconds / 10))
            found = {"images": images.results(), "streams": streams.results()}
        settled_s = min(_SETTLED_S, seconds / 2)
        settled = np.array([of for of in samples if settled_s <= of[0] <= seconds])
        slope = np.polyfit(settled[:, 0] / 60, settled[:, 1], 1)[0]
        return {
            "seconds": seconds,
            "settled_s": settled_s,
            "settled_mb": float(settled[0, 1]),
            "end_mb": float(settled[-1, 1]),
            "peak_mb": server.peak_mb(),
            "slope_mb_per_min": float(slope),
            **found,
        }

    def overload(self, server: Server) -> dict[str, Any]:
        """Offer many times the peak; the peak is measured before and after."""
        before = self.images(server)
        rss_mb = server.rss_mb()
        offered = self._sizes.overload * max(before["results_per_s"], 1.0)
        plan = {"rate_hz": offered, "max_open": 1000, "seconds": self._sizes.overload_s}
        with self._load("open", server, **plan) as load:
            found, cores = self._with_cores(server, load)
        peak_mb = server.peak_mb()
        after = self.images(server)
        peak = (before["results_per_s"] + after["results_per_s"]) / 2
        # The clients of the overload take more of the processors than those of the peak.
        left_then = self._sizes.threads - (before["client_cores"] + after["client_cores"]) / 2
        left_now = self._sizes.threads - found["client_cores"]
        goodput = found["results_per_s"] / peak if peak else 0.0
        return {
            "offered_per_s": offered,
            "offered_over_peak": found["sent_per_s"] / peak if peak else 0.0,
            "peak_per_s": peak,
            "peak_before_per_s": before["results_per_s"],
            "peak_after_per_s": after["results_per_s"],
            "goodput_over_peak": goodput,
            "goodput_per_processor_over_peak": goodput * left_then / left_now,
            "rss_before_mb": rss_mb,
            "rss_ratio": peak_mb / rss_mb,
            "is_running": server.is_running,
            "n_tracebacks": server.n_tracebacks,
            "server_cores": cores,
            **found,
        }

    def _load(self, kind: str, server: Server, **changes: Any) -> Load:
        plan = {
            "kind": kind,
            "ports": server.ports,
            "path": "/v1/analyze",
            "images": self._material.images,
            "frames": self._material.frames,
            "warm_up_s": self._sizes.warm_up_s,
            "seconds": self._sizes.seconds,
        }
        return Load(plan | changes)

    @staticmethod
    def _with_cores(server: Server, load: Load) -> tuple[dict[str, Any], float]:
        """Return the results of a load, and how many processors the server used on average."""
        wall_s, cpu_s = time.perf_counter(), server.cpu_s()
        found = load.results()
        return found, (server.cpu_s() - cpu_s) / (time.perf_counter() - wall_s)


def compare(bench: Bench, names: Sequence[str], n_rounds: int, environments: Path) -> Any:
    """Measure emolens and the other programs in turn; those that failed have a reason."""
    rounds: dict[str, list[Any]] = {name: [] for name in ("emolens", *names)}
    reasons: dict[str, str] = {}
    for number in range(n_rounds):
        for name, found in rounds.items():
            if PEERS.get(name, ("emolens",))[0] in reasons:
                continue
            _tell(f"images, round {number + 1}: {name}")
            starts: Callable[[], Server] = (
                bench.emolens
                if name == "emolens"
                else lambda name=name: bench.peer(name, environments)  # type: ignore[misc]  # a default argument binds the name
            )
            try:
                with starts() as server:
                    found.append(bench.images(server))
            except peers.NotMeasuredError as error:
                reasons[PEERS[name][0]] = str(error)
    rounds = {name: of for name, of in rounds.items() if of}
    programs = {name: _middle(of) for name, of in rounds.items()}
    return {
        "programs": programs,
        "rates": {name: [one["results_per_s"] for one in of] for name, of in rounds.items()},
        "best_peer": best_peer(programs),
        "not_measured": reasons,
    }


def best_peer(programs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fastest other program, and how emolens differs from it."""
    others = {name: of for name, of in programs.items() if name != "emolens"}
    if not others:
        return None
    name = max(others, key=lambda one: others[one]["results_per_s"])
    own, other = programs["emolens"], others[name]
    return {
        "name": name,
        "times_the_rate": own["results_per_s"] / other["results_per_s"],
        "share_of_p95": own["results_ms"]["p95"] / other["results_ms"]["p95"],
    }


def _middle(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return sorted(rounds, key=lambda of: of["results_per_s"])[len(rounds) // 2]


def measure(bench: Bench, options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    """Run the chosen measurements."""
    results: dict[str, Any] = {}
    if "images" in options.only:
        names = [name for name in PEERS if PEERS[name][0] in options.peers]
        results["images"] = compare(bench, names, sizes.rounds, options.environments)
    for name in ("live", "memory", "overload"):
        if name in options.only:
            _tell(name)
            with bench.emolens() as server:
                results[name] = getattr(bench, name)(server)
    return results


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    cache = Path(platformdirs.user_cache_dir("emolens")) / "peers"
    parts = ("images", "live", "memory", "overload")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="take seconds instead of minutes")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each load")
    parser.add_argument("--minutes", type=float, default=10.0, help="minutes of the mixed load")
    parser.add_argument("--overload-minutes", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=parts, choices=parts)
    parser.add_argument("--peers", nargs="*", default=["fer", "deepface"])
    parser.add_argument("--threads", type=int, default=2, help="processors of all processes")
    parser.add_argument("--environments", type=Path, default=cache)
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the results and write them to a file."""
    options = read_options(arguments)
    sizes = replace(
        Sizes(threads=options.threads),
        seconds=options.seconds,
        rounds=options.rounds,
        memory_s=60 * options.minutes,
        overload_s=60 * options.overload_minutes,
    )
    if options.short:
        sizes, options.peers = SHORT, []
    options.environments.mkdir(parents=True, exist_ok=True)
    peers.restrict(options.threads)
    with TemporaryDirectory() as name:
        bench = Bench(sizes, make_material(Path(name), sizes.images), Path(name))
        measured = measure(bench, options, sizes)
    results = {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "processor": peers.processor(),
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "threads": options.threads,
        "clients": sizes.clients,
        "long_sides_px": LONG_SIDES_PX,
        **measured,
    }
    text = json.dumps(results, indent=1) + "\n"
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
