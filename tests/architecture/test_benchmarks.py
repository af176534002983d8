"""docs/benchmarks.md matches its results, and the results meet the requirements."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.scripts import load_script

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "benchmarks"))  # it imports the scripts beside it
        yield load_script(DOCS / "benchmarks" / "page.py")


def results(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DOCS / "metrics" / f"{name}.json").read_text())
    return loaded


def test_the_page_matches_the_results(script: ModuleType) -> None:
    assert (DOCS / "benchmarks.md").read_text(encoding="utf-8") == script.page()


def test_the_page_of_the_server_matches_the_results(script: ModuleType) -> None:
    text = script.SERVER_PAGE.read_text(encoding="utf-8")
    assert text == script.with_speed(text)


def test_the_server_meets_its_requirements() -> None:
    limits, fuzz = results("server-limits"), results("server-fuzz")
    assert limits["start"]["not_ready_answers"] > 0
    stop = limits["stop"]
    assert stop["not_ready_max_ms"] <= 100
    assert (stop["answered"], stop["exit_codes"]) == (stop["runs"], [0])
    assert stop["exit_max_s"] <= 10
    for name in ("lengths", "bombs", "formats"):
        assert limits["limits"][name]["slowest_ms"] <= 200
        assert limits["limits"][name]["more_mb"] <= 50
        assert limits["limits"][name]["wrong"] == []
    assert set(limits["limits"]["messages"]["close_codes"].values()) == {1009}
    access, leaks = limits["access"], limits["leaks"]
    assert (access["without_key"], access["other_page"]) == (401, 403)
    assert leaks["connections"] >= 1000
    assert (leaks["more_threads"], leaks["more_descriptors"], leaks["streams"]) == (0, 0, 0)
    rest, streams = fuzz["rest"], fuzz["streams"]
    assert rest["cases"] >= 10_000
    assert (rest["server_errors"], rest["n_failures"], rest["errors_in_log"]) == (0, 0, 0)
    assert streams["sequences"] >= 2000
    assert (streams["more_threads"], streams["more_descriptors"]) == (0, 0)
    frames = streams["frames"]
    assert frames["received"] == frames["processed"] + frames["unreadable"] + frames["dropped"]


def test_results_are_fresh_and_every_frame_is_counted() -> None:
    fresh = results("freshness")
    assert fresh["minutes"] >= 10
    assert fresh["age_p95_ms"] <= fresh["limit_ms"] == pytest.approx(1e3 / 30 + 300)
    assert fresh["slope_ms_per_min"] <= 1
    assert fresh["n_wrong_scrapes"] == 0
    assert fresh["captured"] == fresh["processed"] + fresh["dropped"] + fresh["in_flight"]


def test_live_images_are_followed_in_real_time() -> None:
    live = results("live")
    assert (live["model"], live["faces"]) == ("labels", 1)
    assert live["frames_per_s"] >= 25
    assert live["delay_p95_ms"] <= 120


def test_cameras_come_back_and_leave_nothing_behind() -> None:
    back = results("reconnect")
    assert back["cycles"] >= 100
    assert back["noticed_max_s"] <= 5
    assert back["back_max_s"] <= 2
    assert (back["more_threads"], back["more_descriptors"]) == (0, 0)
    assert back["stop_s"] <= 2


def test_labels_are_calm_and_quick() -> None:
    smooth = results("smoothing")["settings"][0]
    assert all(of["cut"] >= 0.7 for of in smooth["flips"].values())
    assert smooth["delays"]["clear, 30 Hz"]["max_s"] <= 0.4
    # A jump between two frames is located only to within the frame interval.
    rates = smooth["rate_difference"]
    assert all(of <= 0.05 for signal, of in rates.items() if signal != "sudden smile")


def test_track_numbers_stay() -> None:
    identity = results("identity")
    assert identity["minutes"] >= 10
    assert identity["n_ids"] == 1
    clips = results("tracking")["clips"]
    crossing = [of["bytetrack"] for clip, of in clips.items() if "cross" in clip]
    assert all(of["idf1"] >= 0.95 and of["n_ids"] == 2 for of in crossing)
    assert clips["hidden for 0.5 s"]["bytetrack"]["n_ids"] == 1


def test_an_hour_takes_no_more_memory_than_a_minute() -> None:
    hour = results("hour")
    assert hour["n_frames"] == 108_000
    assert hour["growth_mb"] <= 50
    assert hour["peak_mb"] <= 1500
    assert hour["last_tenth_over_first"] >= 0.95


def test_recordings_survive_a_kill() -> None:
    kill = results("recording-kill")
    assert kill["n_opened"] == kill["n_runs"] >= 20
    assert kill["max_lost_s"] <= 2


def test_nothing_leaves_the_machine_or_stays_unasked() -> None:
    silence = results("silence")
    assert silence["seconds"] >= 60
    assert set(silence["runs"]) == {"image", "video", "live", "serve", "Python"}
    assert (silence["n_calls"], silence["n_files"]) == (0, 0)


def test_every_other_program_is_measured_or_has_a_reason() -> None:
    peers = results("peers")
    for_labels = {"emolens, accurate", "emolens, labels"}
    timed = {name for name in peers["every"] if name not in for_labels}
    assert peers["programs"].keys() | peers["not_measured"].keys() == timed
    assert not peers["programs"].keys() & peers["not_measured"].keys()
    for name, of in peers["programs"].items():
        shown = [of["images"]["counts"]["shown"]] if of["images"] else []
        assert of["clips"].keys() == {"640x360", "640x480"}, name
        assert all(n > 0 for n in shown), name


def test_the_server_answers_images_faster_than_other_programs() -> None:
    images = results("server")["images"]
    assert images["best_peer"]["times_the_rate"] >= 4
    assert images["best_peer"]["share_of_p95"] < 1
    own = images["programs"]["emolens"]
    assert own["n_answers"] == own["n_results"]


def test_streams_of_the_server_are_live_and_fair() -> None:
    live = results("server")["live"]
    for name in ("one_paced", "one_waiting"):
        (stream,) = live[name]["streams"]
        assert stream["results_per_s"] >= 25, name
        assert stream["results_ms"]["p95"] <= 120, name
    assert live["eight_paced"]["slowest_over_mean"] >= 0.7


def test_the_server_refuses_an_overload_at_once_and_survives_it() -> None:
    overload = results("server")["overload"]
    assert overload["offered_over_peak"] >= 9  # of the mean of the peaks before and after it
    assert overload["goodput_over_peak"] >= 0.9
    assert overload["rejects_ms"]["p95"] <= 50
    assert overload["n_rejects"] == overload["n_rejects_with_retry"] > 0
    assert (overload["n_lost"], overload["n_others"], overload["n_unsent"]) == (0, 0, 0)
    assert (overload["is_running"], overload["n_tracebacks"]) == (True, 0)
    assert overload["rss_ratio"] <= 1.2
