"""Large images on the command line: small faces, what is left out, how many pixels may be."""

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.frame import FrameResult
from emolens.media.images import write_image
from emolens.media.recording_sink import RecordingSink
from emolens.testing import crowd_clip
from tests.command_line import run_emolens

# A head that one look of 640 px at 1280x960 px does not show, and larger ones do.
SMALL_PX = 50
LEFT_OUT = "may be missed in an image of this size"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, astronaut: npt.NDArray[np.uint8]) -> Path:
    """A folder with an image of 1.2 million pixels and a clip of a small face."""
    folder = tmp_path_factory.mktemp("large")
    image = np.full((960, 1280, 3), 127, np.uint8)
    head = cv2.resize(
        astronaut[20:240, 110:330], (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA
    )
    image[300 : 300 + SMALL_PX, 700 : 700 + SMALL_PX] = head
    (folder / "shots").mkdir()
    write_image(folder / "shots" / "small.png", image)
    with RecordingSink(folder / "wide.mkv") as recording:
        for frame in crowd_clip(1, size_wh=(1920, 1080), rate_hz=10, duration_s=0.5):
            recording.write(frame, FrameResult(frame.size_wh, ()))
    return folder


def test_image_sees_smaller_faces_with_a_larger_input(folder: Path) -> None:
    command = ("image", "shots/small.png", "--jsonl", "-")
    usual, larger, smaller = (
        run_emolens(*command, *options, cwd=folder)
        for options in ((), ("--detector-px", "1312"), ("--detector-px", "640"))
    )
    assert [len(json.loads(done.stdout)["faces"]) for done in (usual, larger, smaller)] == [1, 1, 0]
    assert LEFT_OUT not in usual.stderr
    assert f"faces below 96 px {LEFT_OUT}" in smaller.stderr
    told = json.loads(smaller.stdout)["warnings"]
    (warning,) = (text for text in told if LEFT_OUT in text)
    assert "--detector-px" in warning


def test_explain_sees_smaller_faces_with_a_larger_input(folder: Path, tmp_path: Path) -> None:
    command = ("explain", str(folder / "shots" / "small.png"), "--detector-px")
    done = run_emolens(*command, "1312", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "face 1 at" in done.stdout
    done = run_emolens(*command, "640", cwd=tmp_path)
    assert f"faces below 96 px {LEFT_OUT}" in done.stderr
    assert "no face detected" in done.stderr


def test_video_tells_once_what_it_leaves_out(folder: Path) -> None:
    done = run_emolens("video", "wide.mkv", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(f"faces below 125 px {LEFT_OUT}") == 1
    done = run_emolens("video", "wide.mkv", "--detector-px", "1600", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert LEFT_OUT not in done.stderr


def test_live_tells_once_what_it_leaves_out(folder: Path) -> None:
    command = ("live", "--source", "wide.mkv", "--no-window")
    done = run_emolens(*command, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(f"faces below 125 px {LEFT_OUT}") == 1
    done = run_emolens(*command, "--detector-px", "320", cwd=folder)
    assert done.stderr.count(f"faces below 270 px {LEFT_OUT}") == 1
    done = run_emolens(*command, "--quiet", cwd=folder)
    assert LEFT_OUT not in done.stderr


def test_bench_measures_what_was_asked_for(folder: Path) -> None:
    options = ("--source", "wide.mkv", "--frames", "10", "--json", "-", "--detector-px")
    done = run_emolens("bench", *options, "160", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["detector_px"] == 160


@pytest.mark.parametrize(
    "command",
    [
        ("image", "shots"),
        ("explain", "shots/small.png"),
        ("video", "wide.mkv"),
        ("live", "--source", "wide.mkv", "--no-window"),
        ("bench", "--source", "wide.mkv"),
    ],
)
def test_an_input_out_of_range_is_told_by_every_command(
    command: tuple[str, ...], folder: Path
) -> None:
    done = run_emolens(*command, "--detector-px", "100", cwd=folder)
    assert done.returncode == 1
    assert "is 100; allowed: a whole number from 128 to 16384" in done.stderr


@pytest.mark.parametrize(
    "command", [("image", "shots/small.png"), ("explain", "shots/small.png"), ("video", "shots")]
)
def test_the_number_of_pixels_can_be_chosen(
    command: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    command = (command[0], str(folder / command[1]))
    done = run_emolens(*command, "--max-megapixels", "1", cwd=tmp_path)
    assert done.returncode != 0
    assert "raise max_pixels (--max-megapixels)" in done.stderr
    done = run_emolens(*command, "--max-megapixels", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
