"""`docs/benchmarks/server_load.py` counts every request."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scripts import load_script

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "docs" / "benchmarks" / "server_load.py"
TIMES = {"p50", "p95", "p99", "max"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("load") / "server.json"
    command = [sys.executable, str(SCRIPT), "--short", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def check_counts(found: dict[str, Any]) -> None:
    parts = ("n_results", "n_rejects", "n_lost", "n_others")
    assert found["n_answers"] == sum(found[part] for part in parts)
    assert found["results_per_s"] == pytest.approx(found["n_results"] / found["seconds"])
    assert (found["n_lost"], found["n_others"]) == (0, 0)
    assert found["results_ms"].keys() == TIMES
    assert found["client_lag_ms"].keys() == TIMES


def test_images_of_all_clients_are_answered(measured: dict[str, Any]) -> None:
    images = measured["images"]
    own = images["programs"]["emolens"]
    check_counts(own)
    assert own["n_results"] > 0
    assert own["n_rejects"] == 0
    assert own["peak_mb"] > 0
    assert images["best_peer"] is None


def test_streams_have_results_and_count_what_they_drop(measured: dict[str, Any]) -> None:
    live = measured["live"]
    names = {"one_paced": 1, "one_waiting": 1, "eight_paced": 8, "one_beside_images": 1}
    for name, n_streams in names.items():
        streams = live[name]["streams"]
        assert len(streams) == n_streams, name
        for stream in streams:
            assert stream["n_results"] > 0, name
            assert stream["n_errors"] == 0, name
            # Frames of the warm-up (half a second) may be answered or dropped after it.
            assert stream["n_results"] + stream["n_dropped"] <= stream["n_sent"] + 16, name
    (waiting,) = live["one_waiting"]["streams"]
    assert waiting["n_dropped"] == 0
    assert abs(waiting["n_sent"] - waiting["n_results"]) <= 1
    assert 0 < live["eight_paced"]["slowest_over_mean"] <= 1


def test_memory_is_measured_under_images_and_streams(measured: dict[str, Any]) -> None:
    memory = measured["memory"]
    check_counts(memory["images"])
    assert all(stream["n_results"] > 0 for stream in memory["streams"]["streams"])
    assert 0 < memory["settled_mb"] <= memory["peak_mb"]


def test_refused_requests_say_when_to_try_again(measured: dict[str, Any]) -> None:
    overload = measured["overload"]
    check_counts(overload)
    assert overload["n_unsent"] == 0
    assert overload["n_rejects"] == overload["n_rejects_with_retry"]
    assert overload["is_running"]
    assert overload["n_tracebacks"] == 0
    assert overload["goodput_over_peak"] > 0


def test_the_fastest_other_program_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    script = load_script(SCRIPT)
    programs = {
        name: {"results_per_s": rate, "results_ms": {"p95": p95_ms}}
        for name, rate, p95_ms in (("emolens", 40.0, 100.0), ("a", 5.0, 900.0), ("b", 8.0, 400.0))
    }
    assert script.best_peer(programs) == {"name": "b", "times_the_rate": 5.0, "share_of_p95": 0.25}
