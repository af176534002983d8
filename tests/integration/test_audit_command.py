import json
import subprocess
import sys
from pathlib import Path

import pytest

from emolens.datasets.clean_file import read_clean_file
from emolens.training.faces import load_training_faces
from tests.audit_data import ROWS, write_rows
from tests.command_line import run_emolens
from tests.recipes import small_recipe


def audit_command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_emolens("data", "audit", *arguments, cwd=cwd)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "faces.parquet")


def test_findings_come_first(source: Path) -> None:
    done = audit_command(source.name, cwd=source.parent)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "faces.parquet: 16 faces"
    assert lines[2].startswith("validation faces with duplicates in train")
    assert "of 3 (66.7%), 1 (33.3%) with an exact duplicate" in lines[2]
    assert "agreement with raters" in lines[-2]
    assert lines[-1] == "no faces: angry, disgust, fear, surprise"
    assert done.stderr == ""


def test_json_page_and_rows_to_leave_out_are_written(source: Path) -> None:
    arguments = ("--json", "a.json", "--report", "out/a.html", "--clean", "clean.json")
    done = audit_command(source.name, *arguments, cwd=source.parent)
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == ["wrote", "out/a.html", "wrote", "clean.json"]
    record = json.loads((source.parent / "a.json").read_text())
    assert record["sources"] == ["faces.parquet"]
    assert record["splits"][0]["n_near"] == 2
    assert "<svg " in (source.parent / "out/a.html").read_text()
    assert len(read_clean_file(source.parent / "clean.json").sources[0].rows) == 10


def test_json_on_standard_output_is_all_there_is(source: Path) -> None:
    done = audit_command(source.name, "--json", "-", "--quiet", cwd=source.parent)
    assert json.loads(done.stdout)["n_faces"] == 16
    assert done.stderr == ""


def test_a_source_that_cannot_be_read_is_reported_and_the_others_go_on(source: Path) -> None:
    done = audit_command("none", source.name, "--json", "-", cwd=source.parent)
    assert done.returncode == 2
    assert "none: no such file or folder" in done.stderr
    assert json.loads(done.stdout)["sources"] == ["faces.parquet"]


def test_no_readable_source_ends_with_1_and_writes_nothing(tmp_path: Path) -> None:
    done = audit_command("none", "--clean", "clean.json", cwd=tmp_path)
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_one_split_and_no_votes_are_no_errors(tmp_path: Path) -> None:
    write_rows(tmp_path / "training.parquet", ROWS[:3], with_votes=False)
    done = audit_command("training.parquet", "--report", "a.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 faces" in done.stdout
    assert "not known" in done.stdout
    assert "with duplicates in" not in done.stdout


def test_a_table_without_a_row_is_an_error(tmp_path: Path) -> None:
    write_rows(tmp_path / "empty.parquet", ())
    done = audit_command("empty.parquet", cwd=tmp_path)
    assert done.returncode == 1
    assert "contains no faces" in done.stderr


def test_plots_are_only_needed_for_a_page(source: Path) -> None:
    hidden = ("jinja2", "matplotlib", "seaborn", "pandas", "markupsafe")
    hide = (
        "import importlib.util as u, sys\n"
        f"names = {hidden}\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name in names else find(name, *rest)\n"
        "sys.modules.update(dict.fromkeys(names))\n"
        "from emolens.cli.main import run\n"
        "run()\n"
    )
    command = [sys.executable, "-c", hide, "data", "audit", str(source)]
    plain = subprocess.run(command, capture_output=True, text=True, check=False)
    assert plain.returncode == 0, plain.stderr
    page = subprocess.run(
        [*command, "--report", str(source.parent / "a.html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert page.returncode == 1
    assert '[report]"' in page.stderr
    assert not (source.parent / "a.html").exists()


def test_a_recipe_leaves_the_rows_out_wherever_the_data_is(source: Path) -> None:
    folder = source.parent
    assert audit_command(source.name, "--clean", "clean.json", "-q", cwd=folder).returncode == 0
    (folder / "elsewhere").mkdir()
    moved = source.rename(folder / "elsewhere" / "other.parquet")
    data = {"source": moved, "clean": folder / "clean.json", "classes": ["happy", "sad"]}
    faces = load_training_faces(small_recipe(moved, data=data, batch_size=2))
    assert [location.rpartition(": ")[2] for location in faces.training.locations] == [
        "row 1",
        "row 12",
        "row 13",
    ]
    assert faces.n_dropped == {"clean": 10}
