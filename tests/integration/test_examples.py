"""Every file of examples/ runs as its first lines say, with public names only."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import emolens
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image, second_sample_image
from emolens.testing.sample_clip import crossing_clip
from tests.integration.test_video_command import write_video
from tests.server_process import running_server

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.timeout(120)


def run_example(name: str, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_video_becomes_a_table_and_a_page(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", crossing_clip(size_wh=(320, 240), rate_hz=10, duration_s=2))
    said = run_example("video_to_table.py", "clip.mp4", "results", cwd=tmp_path)
    assert "track 1:" in said
    assert "track 2:" in said
    assert "failed" not in said
    header = (tmp_path / "results/faces.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == ",".join(emolens.TABLE_COLUMNS)
    assert "Track 2" in (tmp_path / "results/report.html").read_text(encoding="utf-8")


def test_frames_are_fed_from_a_thread(tmp_path: Path) -> None:
    said = run_example("push_frames.py", cwd=tmp_path)
    assert "0 faces" in said
    assert "captured=60" in said
    assert "in_flight=0" in said


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(sample_image(), folder / "a.jpg")
    shutil.copy(second_sample_image(), folder / "b.jpg")
    (folder / "c.txt").write_text("no image")
    return folder


def test_a_folder_of_images_becomes_a_table(photos: Path, tmp_path: Path) -> None:
    said = run_example("images_to_table.py", "photos", "faces.csv", cwd=tmp_path)
    assert "skipped c.txt: " in said
    table = pd.read_csv(tmp_path / "faces.csv")
    assert list(table["path"]) == ["a.jpg", "b.jpg"]
    assert list(table.columns) == ["path", *emolens.ROW_COLUMNS]


def test_faces_are_drawn(photos: Path, tmp_path: Path) -> None:
    assert "happy" in run_example("draw_faces.py", "photos/a.jpg", "drawn.png", cwd=tmp_path)
    drawn = read_image(tmp_path / "drawn.png").image
    assert drawn.shape == read_image(photos / "a.jpg").image.shape
    assert (drawn != read_image(photos / "a.jpg").image).any()


def test_images_are_classified_on_all_cores(photos: Path, tmp_path: Path) -> None:
    said = run_example("worker_processes.py", "photos/a.jpg", "photos/b.jpg", cwd=tmp_path)
    assert said.splitlines()[0] == "photos/a.jpg happy"
    assert said.splitlines()[1].startswith("photos/b.jpg ")


def test_a_stream_is_summarised(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", crossing_clip(size_wh=(320, 240), rate_hz=10, duration_s=2))
    said = run_example("summarise_stream.py", "clip.mp4", cwd=tmp_path)
    assert "track 2: {" in said
    assert "20 frames, 0 without a face" in said


def test_predictions_below_a_threshold_count_as_uncertain(photos: Path, tmp_path: Path) -> None:
    paths = ("photos/a.jpg", "photos/a.jpg")
    assert run_example("confident_only.py", "0.5", *paths, cwd=tmp_path) == "happy 2\n"
    assert run_example("confident_only.py", "1.01", *paths, cwd=tmp_path) == "uncertain 2\n"


def test_a_video_is_sent_to_a_server(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", crossing_clip(size_wh=(320, 240), rate_hz=10, duration_s=2))
    with running_server(tmp_path) as server:
        said = run_example("serve_webcam.py", "clip.mp4", server.url, cwd=tmp_path)
    lines = said.splitlines()
    assert len(lines) == 20
    assert lines[0].startswith("0.00 s: ")
    assert lines[-1].startswith("1.90 s: ")
    assert len(lines[-1].removeprefix("1.90 s: ").split()) == 2


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short_and_use_public_names_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            is_public = node.module == "emolens.client"
            assert is_public or not (node.module or "").startswith("emolens")
        match node:
            case ast.Attribute(value=ast.Name(id="emolens"), attr=name):
                assert name in emolens.__all__
    assert path.name in Path(__file__).read_text(encoding="utf-8")
