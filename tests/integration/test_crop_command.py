"""`emolens crop` as a script sees it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.media.images import write_image
from tests.command_line import run_emolens


def test_faces_become_files(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> None:
    write_image(tmp_path / "in/a.png", astronaut)
    (tmp_path / "in/b.jpg").touch()
    done = run_emolens("crop", "in", "out", "--size", "100", "--color", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "'in/b.jpg': the file is empty" in done.stderr
    assert "images: 2, faces: 1, crops: 1 in out, failed: 1" in done.stderr
    assert done.stdout == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("a-1.png", "crops.csv", "crops.csv.emolens.json")
    ]
    again = run_emolens("crop", "in/a.png", "out", cwd=tmp_path)
    assert again.returncode == 1
    assert "Use --force" in again.stderr
    forced = run_emolens("crop", "in/a.png", "out", "--force", "--quiet", cwd=tmp_path)
    assert (forced.returncode, forced.stderr) == (0, "")


def test_a_forgotten_folder_is_noticed(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> None:
    write_image(tmp_path / "a.png", astronaut)
    write_image(tmp_path / "b.png", astronaut)
    before = (tmp_path / "b.png").read_bytes()
    done = run_emolens("crop", "a.png", "b.png", cwd=tmp_path)
    assert done.returncode == 1
    assert "b.png is a file" in done.stderr
    assert (tmp_path / "b.png").read_bytes() == before
