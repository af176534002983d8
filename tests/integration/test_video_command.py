"""`emolens video` as a script sees it: files, tables, exit codes."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from emolens.contract import TABLE_COLUMNS
from emolens.core.frame import FrameResult
from emolens.detection import build_detector
from emolens.media.images import write_image
from emolens.media.recording_sink import RecordingSink
from emolens.media.video_source import VideoSource
from emolens.testing import Actor, SyntheticSource, collins, crossing_clip, cut_clip
from tests.clips import ClipRecipe, make_clip, make_sound, sound_packets
from tests.command_line import run_emolens
from tests.tables import rows_of

SIZE_WH = (320, 240)


def write_video(path: Path, source: SyntheticSource) -> Path:
    with RecordingSink(path) as recording:
        for frame in source:
            recording.write(frame, FrameResult(frame.size_wh, ()))
    return path


def astronaut_from_to(from_s: float, until_s: float) -> Actor:
    """Hidden between two moments."""
    return collins(lambda t: None if from_s <= t < until_s else (140 + 10 * t, 120, 120))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips of two people who cross, of one who hides, and what was made of them."""
    folder = tmp_path_factory.mktemp("video")
    write_video(folder / "crossing.mp4", crossing_clip(size_wh=SIZE_WH, rate_hz=20, duration_s=4))
    hiding = SyntheticSource(
        [astronaut_from_to(1.0, 2.0)], size_wh=SIZE_WH, rate_hz=20, duration_s=3
    )
    write_video(folder / "hiding.mkv", hiding)
    still = SyntheticSource([astronaut_from_to(9, 9)], size_wh=SIZE_WH, rate_hz=20, duration_s=1)
    write_video(folder / "short.mkv", still)
    return folder


@pytest.fixture(scope="module")
def crossing(folder: Path) -> subprocess.CompletedProcess[str]:
    return write_everything(folder, "a")


def write_everything(folder: Path, stem: str) -> subprocess.CompletedProcess[str]:
    """Write all outputs of the clip of two people, as at one fixed time."""
    outputs = ("--table", f"{stem}.csv", "--table", f"{stem}.parquet", "--table", f"{stem}.jsonl")
    more = ("--annotated", f"{stem}.mkv", "--report", f"{stem}.html", "-q" * (stem != "a"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1800000000")
        return run_emolens("video", "crossing.mp4", *outputs, *filter(None, more), cwd=folder)


def test_two_people_who_cross_have_two_numbers(
    folder: Path, crossing: subprocess.CompletedProcess[str]
) -> None:
    assert crossing.returncode == 0, crossing.stderr
    rows = rows_of(folder / "a.csv")
    assert tuple(rows[0]) == TABLE_COLUMNS
    assert {row["track_id"] for row in rows} == {"1", "2"}
    # Everybody keeps the expression that the image has, but for a face that is half covered.
    labels = [
        Counter(row["label"] for row in rows if row["track_id"] == track_id) for track_id in "12"
    ]
    assert {counts.most_common(1)[0][0] for counts in labels} == {"happy", "neutral"}
    assert all(counts.most_common(1)[0][1] >= 0.95 * counts.total() for counts in labels)
    lines = [line for line in crossing.stdout.splitlines() if re.search("(9[5-9]|100)%", line)]
    assert len(lines) == 2


def test_several_videos_have_files_of_their_own(folder: Path) -> None:
    (folder / "bad.mp4").write_bytes(b"no video")
    paths = ("short.mkv", "bad.mp4", "hiding.mkv")
    done = run_emolens(
        *("video", *paths, "--table", "many/", "--report", "many/{name}.html", "--no-tags"),
        cwd=folder,
    )
    assert done.returncode == 2, done.stderr
    sides = (f"{name}.csv.emolens.json" for name in ("hiding", "short"))
    names = sorted(("hiding.csv", "hiding.html", "short.csv", "short.html", *sides))
    assert sorted(path.name for path in (folder / "many").iterdir()) == names
    lines = [line.split()[0] for line in done.stdout.splitlines()]
    assert lines == ["video", *paths]
    assert done.stderr.count("bad.mp4") == 1
    assert "short.mkv: 20 frames" in done.stderr
    assert "videos: 3, analysed: 2, with errors: 1" in done.stderr
    alone = run_emolens("video", "short.mkv", "--table", "alone.csv", "--quiet", cwd=folder)
    assert (alone.returncode, alone.stdout, alone.stderr) == (0, "", "")
    assert (folder / "alone.csv").read_bytes() == (folder / "many/short.csv").read_bytes()


def test_every_frame_has_rows_with_its_own_time(
    folder: Path, crossing: subprocess.CompletedProcess[str]
) -> None:
    assert crossing.returncode == 0
    rows = rows_of(folder / "a.csv")
    assert [int(index) for index in dict.fromkeys(row["frame"] for row in rows)] == list(range(80))
    for row in rows:
        assert float(row["media_time_s"]) == pytest.approx(int(row["frame"]) / 20, abs=1e-3)
        raw = [float(row[name]) for name in TABLE_COLUMNS if name.startswith("p_")]
        smoothed = [float(row[name]) for name in TABLE_COLUMNS if name.startswith("s_")]
        assert sum(raw) == pytest.approx(1, abs=1e-3)
        assert sum(smoothed) == pytest.approx(1, abs=1e-3)
        assert max(smoothed) == pytest.approx(float(row["confidence"]))


def test_all_tables_say_the_same(folder: Path, crossing: subprocess.CompletedProcess[str]) -> None:
    assert crossing.returncode == 0
    from_parquet = pq.read_table(folder / "a.parquet").to_pylist()
    from_jsonl = [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]
    assert from_parquet == from_jsonl
    from_csv = rows_of(folder / "a.csv")
    assert len(from_csv) == len(from_jsonl)
    for text, plain in zip(from_csv, from_jsonl, strict=True):
        assert text == {name: "" if v is None else str(v) for name, v in plain.items()}


def test_the_annotated_video_has_the_same_frames_and_times(
    folder: Path, crossing: subprocess.CompletedProcess[str]
) -> None:
    assert crossing.returncode == 0
    with VideoSource(folder / "crossing.mp4") as before, VideoSource(folder / "a.mkv") as after:
        pairs = list(zip(before, after, strict=True))
    for plain, drawn in pairs:
        assert drawn.size_wh == plain.size_wh
        assert drawn.media_time_s == pytest.approx(plain.media_time_s, abs=1e-3)
    plain, drawn = pairs[40]
    changed = cv2.absdiff(plain.image, drawn.image).max(axis=2) > 60
    assert 0.02 < changed.mean() < 0.5


def test_the_report_is_one_page_that_asks_nobody(
    folder: Path, crossing: subprocess.CompletedProcess[str]
) -> None:
    assert crossing.returncode == 0
    page = (folder / "a.html").read_text(encoding="utf-8")
    assert "Track 1" in page
    assert "Track 2" in page
    assert "default-src 'none'" in page
    assert "data:image/jpeg" not in page


def test_the_same_video_gives_the_same_bytes(
    folder: Path, crossing: subprocess.CompletedProcess[str]
) -> None:
    assert crossing.returncode == 0
    again = write_everything(folder, "b")
    assert again.returncode == 0
    assert (again.stdout, again.stderr) == ("", "")
    for name in ("b.csv", "b.csv.emolens.json", "b.jsonl", "b.parquet", "b.mkv"):
        assert (folder / name).read_bytes() == (folder / name.replace("b.", "a.")).read_bytes()


def test_a_hidden_face_is_a_gap_and_not_an_invented_label(folder: Path) -> None:
    done = run_emolens("video", "hiding.mkv", "--table", "h.csv", "--detect-hz", "0", cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = rows_of(folder / "h.csv")
    assert len(rows) == 60
    hidden = [row for row in rows if 1.0 <= float(row["media_time_s"]) < 1.999]
    assert len(hidden) == 20
    for row in hidden:
        assert [name for name, value in row.items() if value] == [
            *("frame", "media_time_s", "shot")
        ]
    seen = [row for row in rows if row not in hidden]
    assert {(row["track_id"], row["label"]) for row in seen} == {("1", "happy")}
    assert all(row["detection_score"] for row in seen)


def test_a_part_of_a_video_has_the_numbers_and_times_of_the_whole(
    folder: Path, crossing: subprocess.CompletedProcess[str]
) -> None:
    assert crossing.returncode == 0
    part = ("--start", "1", "--end", "2", "--every", "4")
    done = run_emolens("video", "crossing.mp4", *part, "--table", "p.csv", cwd=folder)
    assert done.returncode == 0, done.stderr
    frames = {int(row["frame"]): row["media_time_s"] for row in rows_of(folder / "p.csv")}
    whole = {int(row["frame"]): row["media_time_s"] for row in rows_of(folder / "a.csv")}
    assert frames == {index: whole[index] for index in (20, 24, 28, 32, 36)}


def test_blurred_faces_cannot_be_found_again(folder: Path) -> None:
    done = run_emolens(
        "video", "hiding.mkv", "--annotated", "blurred.mkv", "--blur", "--every", "5", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    detector = build_detector()
    with VideoSource(folder / "blurred.mkv") as source:
        assert [len(detector.detect(frame.image)) for frame in source] == [0] * 12


def test_the_sound_of_a_video_is_kept(tmp_path: Path) -> None:
    make_clip(tmp_path / "tone.mp4", ClipRecipe(sound="aac", n_frames=25))
    done = run_emolens("video", "tone.mp4", "--annotated", "out.mp4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no face detected" in done.stdout
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(tmp_path / "tone.mp4")


def test_a_folder_of_images_is_a_video_and_a_damaged_one_is_told(
    folder: Path, tmp_path: Path
) -> None:
    with VideoSource(folder / "short.mkv") as source:
        for frame in source:
            write_image(tmp_path / "in" / f"{frame.index}.jpg", frame.image)
    (tmp_path / "in" / "7.jpg").write_bytes(b"\xff\xd8\xff no image")
    done = run_emolens("video", "in", "--rate", "20", "--table", "out.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "7.jpg" in done.stderr
    rows = rows_of(tmp_path / "out.csv")
    assert [int(row["frame"]) for row in rows] == [n for n in range(20) if n != 7]
    assert {row["track_id"] for row in rows} == {"1"}


def cut_off(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def test_what_a_truncated_video_still_has_is_measured(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.mkv").write_bytes((folder / "hiding.mkv").read_bytes())
    cut_off(tmp_path / "cut.mkv", 0.5)
    done = run_emolens("video", "cut.mkv", "--table", "cut.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "truncated" in done.stderr or "ends unexpectedly" in done.stderr
    assert 5 < len(rows_of(tmp_path / "cut.csv")) < 60


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "folder without images"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("# not a video\n" * 100), "cannot read"),
        (lambda path: make_sound(path.with_suffix(".m4a"), "aac").replace(path), "sound but no"),
        (lambda path: make_clip(path, ClipRecipe(n_frames=0)), ""),
        (lambda path: cut_off(make_clip(path), 0.3), "cannot read"),
    ],
    ids=["missing", "folder", "empty", "text", "sound only", "0 frames", "cut-off MP4"],
)
def test_what_is_no_video_gets_a_clear_error_and_leaves_no_table(
    tmp_path: Path, make: Any, said: str
) -> None:
    make(tmp_path / "clip.mp4")
    done = run_emolens(
        "video", "clip.mp4", "--table", "t.csv", "--annotated", "o.mkv", cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "clip.mp4" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not {"t.csv", "o.mkv"} & set(os.listdir(tmp_path))


@pytest.mark.parametrize("size_wh", [(7680, 4320), (321, 241)], ids=["8K", "odd"])
def test_one_frame_of_any_size(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    clip = SyntheticSource(
        [collins(lambda _t: (size_wh[0] / 2, size_wh[1] / 2, 0.5 * size_wh[1]))],
        size_wh=size_wh,
        rate_hz=25,
        duration_s=0.04,
    )
    write_video(tmp_path / "one.mkv", clip)
    done = run_emolens(
        "video", "one.mkv", "--table", "t.csv", "--annotated", "out.mkv", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(tmp_path / "t.csv")
    assert (row["track_id"], row["label"]) == ("1", "happy")
    with VideoSource(tmp_path / "out.mkv") as source:
        (frame,) = source
    width, height = size_wh
    assert frame.size_wh == (width + width % 2, height + height % 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--table", "t.xlsx"), ".csv, .parquet, .jsonl"),
        (("--annotated", "o.avi"), ".mkv, .mp4"),
        (("--annotated", "short.mkv"), "the output would overwrite the source"),
        (("--table", "a.csv", "--table", "./a.csv"), "the output would overwrite another output"),
        (("--start", "2", "--end", "1"), "must be after"),
        (("--every", "0"), "greater than or equal to 1"),
        (("--detect-hz", "-1"), "-1"),
        (("--start", "100"), "no frames between 100"),
        (("--model", "nobody"), "nobody"),
        (("--tracker", "nobody"), "bytetrack"),
        (("--table", "missing.csv/t.csv"), "cannot"),
    ],
)
def test_wrong_options_are_explained(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    (folder / "missing.csv").write_text("a file where a folder should be")
    before = (folder / "short.mkv").read_bytes()
    done = run_emolens("video", "short.mkv", *arguments, cwd=folder)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "short.mkv").read_bytes() == before


def test_cameras_are_for_live(tmp_path: Path) -> None:
    done = run_emolens("video", "rtsp://me:secret@127.0.0.1/door", cwd=tmp_path)
    assert done.returncode == 1
    assert "emolens live --source rtsp://127.0.0.1/door" in done.stderr
    assert "secret" not in done.stderr


def test_a_full_disk_ends_the_recording_and_keeps_the_table(folder: Path, tmp_path: Path) -> None:
    """No file of the process may grow beyond 40 kB, which the recording needs and the table not."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    done = subprocess.run(
        [sys.executable, "-c", "from emolens.cli.main import run; run()", "video",
         str(folder / "crossing.mp4"), "--table", "t.parquet", "--annotated", "o.mkv"],
        capture_output=True, text=True, check=False, cwd=tmp_path, preexec_fn=limit,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "stopped recording" in done.stderr
    assert "Traceback" not in done.stderr
    assert len({row["frame"] for row in pq.read_table(tmp_path / "t.parquet").to_pylist()}) == 80
    with VideoSource(tmp_path / "o.mkv") as source:
        assert len(list(source)) > 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_keeps_what_was_measured(folder: Path, tmp_path: Path, number: int) -> None:
    long = SyntheticSource(size_wh=(64, 48), rate_hz=1000, duration_s=60)
    images = tmp_path / "in"
    for index, frame in zip(range(400), long, strict=False):
        write_image(images / f"{index}.png", np.asarray(frame.image, np.uint8))
    running = subprocess.Popen(
        [sys.executable, "-c", "from emolens.cli.main import run; run()", "video", "in",
         "--detect-hz", "0", "--table", "t.csv"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    # Until the table is begun.
    while not list(tmp_path.glob(".*.part")):
        assert running.poll() is None
        time.sleep(0.05)
    time.sleep(1.0)
    running.send_signal(number)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 2, said
    assert "the results so far are kept" in said
    assert 0 < len(rows_of(tmp_path / "t.csv")) < 400
    assert not list(tmp_path.glob(".*.part"))


def test_a_folder_of_unrelated_images_has_a_shot_for_each(tmp_path: Path) -> None:
    source = cut_clip(size_wh=SIZE_WH, n_shots=4, shot_s=0.1)
    for number in range(4):
        image = source.draw(number / 10)
        # Mirrored, because a return within 0.2 s is no new shot.
        write_image(tmp_path / "in" / f"{number}.png", image if number < 2 else image[:, ::-1])
    done = run_emolens("video", "in", "--table", "out.csv", "--report", "out.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 shots; tracks end at each cut: 0.0 s, 0.1 s, 0.1 s" in done.stdout + done.stderr
    assert [(row["shot"], row["track_id"]) for row in rows_of(tmp_path / "out.csv")] == [
        ("1", "1"), ("2", "2"), ("3", "3"), ("4", "4")
    ]  # fmt: skip
    assert "<span>shots</span><strong>4</strong>" in (tmp_path / "out.html").read_text()
    run_emolens("video", "in", "--table", "all.csv", "--no-cuts", cwd=tmp_path)
    assert {row["shot"] for row in rows_of(tmp_path / "all.csv")} == {"1"}
