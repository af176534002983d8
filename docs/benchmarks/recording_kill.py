"""Measure the loss in a recording when its process is killed (G9).

python docs/benchmarks/recording_kill.py --runs 20 --json docs/metrics/recording-kill.json

A process records 640x480 px at 30 frames per second in real time and is killed (SIGKILL) 2 to 4 s
after its first frame. The loss is the time between the last written frame and the last frame that
can be read from the file.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from emolens.core.errors import SourceError
from emolens.core.frame import Frame, FrameResult
from emolens.media.recording_sink import RECORDING_SUFFIXES, RecordingSink
from emolens.media.video_source import VideoSource

RATE_HZ = 30.0
KILLED_AFTER_S = (2.0, 4.0)


def record(path: Path) -> None:
    """Record until this process is killed, and print the time of every written frame."""
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    result = FrameResult((640, 480), ())
    with RecordingSink(path) as recording:
        began_s = time.monotonic()
        for index in range(10_000):
            time.sleep(max(0.0, began_s + index / RATE_HZ - time.monotonic()))
            at_s = time.monotonic() - began_s if index else 0.0
            recording.write(
                Frame(np.roll(noise, 3 * index, axis=1), index=index, media_time_s=at_s), result
            )
            print(at_s, flush=True)


def lose(path: Path, wait_s: float) -> dict[str, float | str | int | None]:
    """Start a recording process, kill it, and measure the loss in its file."""
    command = [sys.executable, __file__, "--record", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 (stdout is a pipe)
        first = process.stdout.readline()
        time.sleep(wait_s)
        process.kill()
        written_s = [float(line) for line in (first + process.stdout.read()).split()]
    found: dict[str, float | str | int | None] = {
        "suffix": path.suffix,
        "killed_after_s": wait_s,
        "n_written": len(written_s),
    }
    try:
        with VideoSource(path) as source:
            times_s = [frame.media_time_s for frame in source]
    except SourceError as error:
        return found | {"n_found": None, "lost_s": None, "error": str(error)}
    lost_s = written_s[-1] - (times_s[-1] if times_s else 0.0)
    return found | {"n_found": len(times_s), "lost_s": lost_s, "error": None}


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20, help="per format")
    parser.add_argument("--suffixes", nargs="+", default=list(RECORDING_SUFFIXES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--record", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.record:
        record(options.record)
        return
    rng = random.Random(options.seed)  # noqa: S311 (not for cryptography)
    with TemporaryDirectory() as folder:
        runs = [
            lose(Path(folder) / f"{number}{suffix}", rng.uniform(*KILLED_AFTER_S))
            for suffix in options.suffixes
            for number in range(options.runs)
        ]
    losses_s = [run["lost_s"] for run in runs if isinstance(run["lost_s"], float)]
    results = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "n_runs": len(runs),
        "n_opened": len(losses_s),
        "max_lost_s": max(losses_s, default=None),
        "runs": runs,
    }
    print(json.dumps({key: value for key, value in results.items() if key != "runs"}, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
