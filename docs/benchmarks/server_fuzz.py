"""Fuzz the server: REST by its description, streams by sequences of messages (G19).

python docs/benchmarks/server_fuzz.py --json docs/metrics/server-fuzz.json

The real server runs in a process of its own. schemathesis generates requests. Their bodies are
good, truncated and damaged images and videos. After each sequence of a stream, the server must
answer and a new stream must work. At the end, every frame must be counted, and no stream, thread
or file left.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

sys.path.append(str(Path(__file__).parents[2]))

from tests.raw_http import wait_for
from tests.server_fuzzer import LIMITS, fuzz
from tests.server_process import ServerProcess, running_server
from tests.stream_fuzzer import check_alive, check_settled, errors_in_log, play, sequences


def rest(folder: Path, n_cases: int) -> dict[str, Any]:
    """Return the results of fuzzing REST."""
    with running_server(folder, limits=LIMITS) as server:
        server.ask("GET", "/metrics")
        before_mb, began_s = server.rss_mb, time.monotonic()
        outcome = fuzz(server, n_cases)
        return {
            "cases": outcome.n_cases,
            "seconds": time.monotonic() - began_s,
            "statuses": {of: dict(sorted(n.items())) for of, n in outcome.statuses.items()},
            "server_errors": outcome.count(500),
            "failures": outcome.failures[:20],
            "n_failures": len(outcome.failures),
            "errors_in_log": len(errors_in_log(server)),
            "growth_mb": server.rss_mb - before_mb,
        }


def streams(folder: Path, n_sequences: int) -> dict[str, Any]:
    """Return the results of fuzzing streams."""
    with running_server(folder) as server:
        warm_up(server)
        before = server.n_threads, server.n_descriptors
        before_mb, began_s = server.rss_mb, time.monotonic()
        n_played, slowest_s = 0, 0.0

        @settings(
            max_examples=n_sequences,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(sequence=sequences())
        def run(sequence: Any) -> None:
            nonlocal n_played, slowest_s
            play(server, sequence)
            checked_s = time.monotonic()
            check_alive(server)
            slowest_s = max(slowest_s, time.monotonic() - checked_s)
            n_played += 1

        run()
        counts = check_settled(server)
        wait_for(lambda: (server.n_threads, server.n_descriptors) <= before, 40.0)
        return {
            "sequences": n_played,
            "seconds": time.monotonic() - began_s,
            "slowest_check_s": slowest_s,
            "frames": counts,
            "more_threads": server.n_threads - before[0],
            "more_descriptors": server.n_descriptors - before[1],
            "growth_mb": server.rss_mb - before_mb,
        }


def warm_up(server: ServerProcess) -> None:
    """Use what the server makes once."""
    for _ in range(20):
        check_alive(server)
    wait_for(lambda: server.metrics()["emolens_streams"] == 0)
    time.sleep(1.0)


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--sequences", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {}
    with TemporaryDirectory() as folder:
        if options.sequences:
            results["streams"] = streams(Path(folder), options.sequences)
        if options.cases:
            results["rest"] = rest(Path(folder), options.cases)
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
