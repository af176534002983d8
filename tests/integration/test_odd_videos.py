"""`emolens video` on files that need a warning: joined, squeezed, with several videos."""

import dataclasses
import json
import subprocess
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.media.video_source import VideoSource
from emolens.testing import SyntheticSource, collins
from tests.clips import ClipRecipe, make_clip, make_tracks
from tests.command_line import run_emolens
from tests.tables import rows_of

SIZE_WH = (320, 240)


def face_clip(path: Path, recipe: ClipRecipe, *, at_s: float = 0.0) -> Path:
    """A clip of one face, which may be squeezed; its stamps begin at a second."""
    still = SyntheticSource(
        [collins(lambda _t: (160, 120, 130))],
        size_wh=SIZE_WH,
        rate_hz=25,
        duration_s=recipe.n_frames / 25,
    )
    images = [np.asarray(cv2.resize(f.image, recipe.size_wh), np.uint8) for f in still]
    ticks = [round(25 * at_s) + i for i in range(recipe.n_frames)]
    return make_clip(path, dataclasses.replace(recipe, ticks=ticks), images=images)


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What stands on standard error, in one line."""
    return " ".join(done.stderr.split())


def test_a_joined_file_has_one_time_in_all_outputs(tmp_path: Path) -> None:
    recipe = ClipRecipe(size_wh=SIZE_WH, b_frames=2, sound="mp2")
    part = face_clip(tmp_path / "part.ts", recipe, at_s=5)
    (tmp_path / "joined.ts").write_bytes(2 * part.read_bytes())
    outputs = ("--table", "t.csv", "--table", "t.jsonl", "--annotated", "o.mkv")
    done = run_emolens("video", "joined.ts", *outputs, "--report", "r.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "time stamps jump back by 1.2 s at" in told(done)
    rows = rows_of(tmp_path / "t.csv")
    times_s = [float(row["media_time_s"]) for row in rows]
    np.testing.assert_allclose(np.diff(times_s), 0.04, atol=0.001)
    assert len(times_s) == 60
    assert [row["track_id"] for row in rows] == 30 * ["1"] + 30 * ["2"]
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    np.testing.assert_allclose([line["media_time_s"] for line in lines], times_s, atol=0.001)
    with VideoSource(tmp_path / "o.mkv") as source:
        recorded_s = [frame.media_time_s for frame in source]
    np.testing.assert_allclose(recorded_s, times_s, atol=0.001)
    page = (tmp_path / "r.html").read_text()
    assert "restarted 1 time" in page
    assert "60 frames, 2.4 s of video" in told(done)
    # The second piece begins at its time in the table.
    done = run_emolens(
        "video", "joined.ts", "--table", "p.csv", "--start", str(times_s[30]), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    part_rows = rows_of(tmp_path / "p.csv")
    assert [row["frame"] for row in part_rows] == [row["frame"] for row in rows[30:]]


@pytest.mark.parametrize("ratio", [Fraction(2), Fraction(1, 2)])
def test_squeezed_frames_are_shown_read_and_recorded_with_square_pixels(
    ratio: Fraction, tmp_path: Path
) -> None:
    width, height = SIZE_WH
    size_wh = (width // 2, height) if ratio > 1 else (width, height // 2)
    face_clip(tmp_path / "a.mp4", ClipRecipe(size_wh=size_wh, n_frames=10, pixel_ratio=ratio))
    done = run_emolens("video", "a.mp4", "--table", "t.csv", "--annotated", "o.mp4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert told(done).count("are not square") == 1
    assert f"shown as {width}x{height}" in told(done)
    rows = rows_of(tmp_path / "t.csv")
    assert {row["label"] for row in rows} == {"happy"}
    box = [float(rows[0][side]) for side in ("x_min", "y_min", "x_max", "y_max")]
    assert box[0] < 160 < box[2]
    assert box[1] < 120 < box[3]
    with VideoSource(tmp_path / "o.mp4") as source:
        assert {frame.size_wh for frame in source} == {SIZE_WH}
        assert source.warnings == []


def test_several_videos_in_a_file(tmp_path: Path) -> None:
    recipes = [ClipRecipe(size_wh=(64, 64)), ClipRecipe(size_wh=(192, 128))]
    make_tracks(tmp_path / "a.mkv", recipes)
    warning = "using video track 2 of 2"
    for options, size_wh in (((), (192, 128)), (("--video-track", "1"), (64, 64))):
        done = run_emolens("video", "a.mkv", "--annotated", "o.mkv", *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (warning in told(done)) == (not options)
        with VideoSource(tmp_path / "o.mkv") as source:
            assert {frame.size_wh for frame in source} == {size_wh}
    done = run_emolens("video", "a.mkv", "--video-track", "3", cwd=tmp_path)
    assert done.returncode == 1
    assert "has no video track 3; available: 1 (64x64 px, h264, 1.2 s), 2 (192" in told(done)
    done = run_emolens("live", "--source", "a.mkv", "--no-window", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert warning in told(done)
