"""Measure how long the help of commands takes, each in a new process.

python docs/benchmarks/start.py --runs 10 --json docs/metrics/start.json
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

COMMANDS = ("", "image", "video", "live", "crop")


def measure(arguments: Sequence[str], n_runs: int) -> dict[str, float]:
    """Return the median and least wall time and the median CPU time of starts, in seconds."""
    command = [sys.executable, "-m", "emolens", *arguments, "--help"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # read the files once
    walls, cpus = [], []
    for _ in range(n_runs):
        used_s, started_s = _cpu_s(), time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        walls.append(time.perf_counter() - started_s)
        cpus.append(_cpu_s() - used_s)
    return {
        "cpu_median_s": round(statistics.median(cpus), 3),
        "wall_median_s": round(statistics.median(walls), 3),
        "wall_least_s": round(min(walls), 3),
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {
        " ".join(("emolens", *name.split(), "--help")): measure(name.split(), options.runs)
        for name in COMMANDS
    }
    text = json.dumps({"runs": options.runs, "commands": results}, indent=1) + "\n"
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
