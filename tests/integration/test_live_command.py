"""`emolens live` and `emolens bench` as a script sees them."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from emolens.core.frame import FrameResult
from emolens.media.recording_sink import RecordingSink
from emolens.media.video_source import VideoSource
from emolens.testing import crowd_clip, cut_clip
from tests.command_line import run_emolens

RATE_HZ = 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of one face, 3 s long."""
    folder = tmp_path_factory.mktemp("live")
    clip = crowd_clip(1, size_wh=(320, 240), rate_hz=RATE_HZ, duration_s=3)
    with RecordingSink(folder / "face.mkv") as recording:
        for frame in clip:
            recording.write(frame, FrameResult(frame.size_wh, ()))
    return folder


def start(*arguments: str, cwd: Path, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from emolens.cli.main import run; run()", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_a_video_is_followed_at_its_own_speed(folder: Path) -> None:
    options = ("--no-window", "--jsonl", "out.jsonl", "--record", "out.mkv")
    done = run_emolens("live", "--source", "face.mkv", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    n_dropped = sum(line["dropped_before"] for line in lines)
    assert f"{len(lines)} frames processed, {n_dropped} dropped" in done.stderr
    # Frames that were dropped behind the last result stand in no line.
    assert 3 * RATE_HZ - 5 <= len(lines) + n_dropped <= 3 * RATE_HZ
    assert {face["track_id"] for line in lines for face in line["faces"]} == {1}
    assert {face["label"] for line in lines for face in line["faces"]} == {"happy"}
    times = [line["time"] for line in lines]
    assert times == sorted(times)
    assert all(stamp.endswith("+00:00") for stamp in times)
    with VideoSource(folder / "out.mkv") as recorded:
        shown = [frame.media_time_s for frame in recorded]
    assert shown == pytest.approx([line["media_time_s"] for line in lines], abs=1e-3)


def test_lines_come_while_they_are_made_and_nothing_else(folder: Path) -> None:
    running = start(
        "live", "--source", "face.mkv", "--no-window", "--jsonl", "-", "--duration", "1", cwd=folder
    )
    assert running.stdout is not None
    first = json.loads(running.stdout.readline())
    assert running.poll() is None
    assert first["frame"] == 0
    rest, said = running.communicate(timeout=60)
    assert running.returncode == 0, said
    lines = [json.loads(line) for line in rest.splitlines()]
    assert 2 <= len(lines) < 3 * RATE_HZ - 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_completes_all_files(folder: Path, tmp_path: Path, number: int) -> None:
    running = start(
        "live", "--source", str(folder / "face.mkv"), "--no-window",
        "--jsonl", "l.jsonl", "--record", "l.mp4", cwd=tmp_path,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (tmp_path / "l.mp4").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(number)
    _, said = running.communicate(timeout=10)
    assert running.returncode == 0, said
    n_lines = len((tmp_path / "l.jsonl").read_text().splitlines())
    with VideoSource(tmp_path / "l.mp4") as recorded:
        assert len(list(recorded)) == n_lines > 1


def test_a_full_disk_is_told_and_a_stream_for_nobody_ends(folder: Path, tmp_path: Path) -> None:
    """No file of the process may grow beyond 20 kB: the recording fails within its first second."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    source = str(folder / "face.mkv")
    running = start(
        "live", "--source", source, "--no-window", "--record", "full.mkv", cwd=tmp_path,
        preexec_fn=limit,
    )  # fmt: skip
    out, said = running.communicate(timeout=60)
    assert running.returncode == 2, said
    assert "recording" in said
    assert "Traceback" not in said
    assert "happy 100%" in out


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("99", "camera 99 not found"),
        ("rtsp://me:secret@127.0.0.1:9/door", "cannot open rtsp://127.0.0.1:9/door"),
        ("http://127.0.0.1:9/", "cannot open http://127.0.0.1:9/"),
        ("concat:face.mkv|face.mkv", "no such file"),
        ("lavfi://testsrc", "allowed: paths"),
        ("missing.mkv", "no such file"),
    ],
)
def test_what_cannot_be_opened_is_told(folder: Path, source: str, said: str) -> None:
    done = run_emolens("live", "--source", source, "--no-window", "--jsonl", "no.jsonl", cwd=folder)
    assert done.returncode == 1
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "no.jsonl").exists()


def test_without_a_screen_a_window_is_refused(folder: Path) -> None:
    without = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    running = start("live", "--source", "face.mkv", "--window", cwd=folder, env=without)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "--no-window" in said


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="there is no Xvfb")
def test_a_window_opens_and_the_stream_ends_with_its_source(folder: Path) -> None:
    read_end, write_end = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "800x600x24"],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(write_end)
        with os.fdopen(read_end) as numbers:
            display = f":{numbers.readline().strip()}"
        running = start(
            "live", "--source", "face.mkv", "--window", "--heatmap", "--duration", "2", cwd=folder,
            env={**os.environ, "DISPLAY": display},
        )  # fmt: skip
        _, said = running.communicate(timeout=60)
        assert running.returncode == 0, said
        assert "frames processed" in said
    finally:
        screen.terminate()
        screen.wait()


def test_bench_measures_a_video_stage_by_stage(folder: Path) -> None:
    done = run_emolens("bench", "--source", "face.mkv", "--frames", "10", "--json", "-", cwd=folder)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    cases = record["measurements"]
    assert [(case["mode"], case["threads"]) for case in cases] == [
        ("live", 1), ("live", 2), ("video", 1), ("video", 2),
    ]  # fmt: skip
    for case in cases:
        assert case["n_frames"] == 10
        assert case["n_faces"] == 1
        stages = case["stages_ms"]
        assert set(stages) == {
            "decoding", "cuts", "detection", "following", "tracking", "classification", "drawing",
            "frame",
        }  # fmt: skip
        assert case["frames_per_s"] > 0
        assert stages["frame"]["p50"] <= stages["frame"]["p95"] <= stages["frame"]["p99"]
        assert stages["detection"]["n"] <= stages["frame"]["n"] == 10


def test_bench_needs_something_to_measure(folder: Path) -> None:
    done = run_emolens("bench", "--source", "missing.mkv", cwd=folder)
    assert done.returncode == 1
    assert "no such file" in done.stderr


def test_lines_tell_the_shot(folder: Path, tmp_path: Path) -> None:
    with RecordingSink(tmp_path / "cut.mkv") as recording:
        for frame in cut_clip(size_wh=(320, 180), shot_s=1.0, rate_hz=RATE_HZ, n_shots=2):
            recording.write(frame, FrameResult(frame.size_wh, ()))
    options = ("--source", "cut.mkv", "--no-window", "--jsonl")
    for switch, shots in (((), {1, 2}), (("--no-cuts",), {1})):
        done = run_emolens("live", *options, "out.jsonl", *switch, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert {line["shot"] for line in lines} == shots
        pairs = {(line["shot"], face["track_id"]) for line in lines for face in line["faces"]}
        assert pairs == {(number, number) for number in shots}
