"""Every file of examples/ runs as its first lines say, with public names only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import emolens
from emolens.testing.sample_clip import crossing_clip
from tests.integration.test_video_command import write_video

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


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short_and_use_public_names_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("emolens")
        match node:
            case ast.Attribute(value=ast.Name(id="emolens"), attr=name):
                assert name in emolens.__all__
    assert path.name in Path(__file__).read_text(encoding="utf-8")
