"""Own images of three classes with own names, from class folders to a measured model."""

import json
import re
import shutil
from pathlib import Path

import cv2
import pytest

from emolens.core.emotion import LABELS
from emolens.datasets.faces import Split
from emolens.testing import drawn_faces
from emolens.training.checkpoint import load_checkpoint
from emolens.training.recipe_file import load_recipe
from tests.command_line import run_emolens

NAMES = {"happy": "joy", "sad": "grief", "neutral": "calm"}
LABEL_MAP = "[classes]\n" + "".join(f'{own} = "{label}"\n' for label, own in NAMES.items())
RECIPE = """
name = "mine"
[data]
source = "faces"
[faces]
classes = ["happy", "sad", "neutral"]
[network]
blocks = [1, 1, 1, 1]
channels = [8, 8, 16, 16]
stem_channels = 4
[schedule]
batch_size = 16
ema_decay = 0.8
[augment]
mix = 0
[[phases]]
epochs = 6
warmup_epochs = 1
peak_rate = 2e-2
"""
EPOCH = (
    r"phase 1, epoch {n}/6: training loss \d\.\d+, validation loss \d\.\d+, "
    r"accuracy \d+\.\d\d% \(best (\d+\.\d\d)%\), learning rate \d\.\de-\d\d, \d+\.\d s"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, its images beside it, and an empty folder to run commands in."""
    folder = tmp_path_factory.mktemp("project")
    for split, n_faces in ((Split.TRAIN, 350), (Split.VALIDATION, 140)):
        faces = drawn_faces(n_faces, seed=n_faces)
        for number, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
            if LABELS[label] in NAMES:
                place = folder / "faces" / split / NAMES[LABELS[label]]
                place.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(place / f"{number}.png"), image)
    (folder / "mine.toml").write_text(RECIPE)
    (folder / "elsewhere").mkdir()
    return folder


@pytest.fixture(scope="module")
def run(project: Path) -> Path:
    """A run of the recipe; the current folder is another one."""
    (project / "faces/label_map.toml").write_text(LABEL_MAP)
    done = run_emolens("train", "../mine.toml", cwd=project / "elsewhere")
    assert done.returncode == 0, done.stderr
    (project / "printed.txt").write_text(done.stderr)
    return project / "elsewhere/runs/mine"


def test_own_names_need_a_label_map(project: Path) -> None:
    label_map = project / "faces/label_map.toml"
    label_map.unlink(missing_ok=True)
    done = run_emolens("train", "mine.toml", "--out", "none", cwd=project)
    label_map.write_text(LABEL_MAP)
    assert done.returncode == 1
    assert f"Write these lines into {label_map}" in " ".join(done.stderr.split())
    assert '"joy" = "?"' in done.stderr


def test_the_classes_of_a_recipe_are_of_the_seven(project: Path) -> None:
    classes = 'faces.classes=["joy", "grief"]'
    done = run_emolens("train", "mine.toml", "--set", classes, "--out", "none", cwd=project)
    assert done.returncode == 1
    assert "got ['joy', 'grief']. Models have no other classes" in done.stderr
    assert "label_map.toml" in done.stderr


def test_a_log_has_one_line_for_every_epoch(run: Path, project: Path) -> None:
    printed = (project / "printed.txt").read_text().splitlines()
    lines = [line for line in printed if line.startswith("phase")]
    found = [re.fullmatch(EPOCH.format(n=n), line) for n, line in enumerate(lines, start=1)]
    assert len(found) == 6
    best = [float(match[1]) for match in found if match]
    assert len(best) == 6, lines
    assert best == sorted(best)


def test_three_classes_are_exported_and_measured(run: Path, project: Path) -> None:
    """In the folder of the run, which is not that of the recipe."""
    exported = run_emolens("export", "best.ckpt", "mine.onnx", cwd=run)
    assert exported.returncode == 0, exported.stderr
    model = str(run / "mine.onnx")
    measured = run_emolens(
        *("evaluate", "--model", model, "--data", "faces", "--json", "mine.json"),
        *("--split", "validation", "--report", "report"),
        cwd=project,
    )
    assert measured.returncode == 0, measured.stderr
    record = json.loads((project / "mine.json").read_text())
    assert record["n"] == 60
    matrix = record["confusion_matrix"]
    unused = [column for column, label in enumerate(LABELS) if label not in NAMES]
    assert not any(row[column] for row in matrix for column in unused)
    assert (project / "report/report.html").is_file()


def test_a_moved_run_is_resumed_and_exported(run: Path, project: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(run, moved)
    for name in ("best.ckpt", "phase-1.ckpt"):
        (moved / name).unlink()
    done = run_emolens("train", "moved/recipe.toml", "--resume", "moved", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "wrote moved/best.ckpt; next: emolens export moved/best.ckpt mine.onnx\n"
    assert load_recipe(moved / "recipe.toml").data[0].source.samefile(project / "faces")
    exported = run_emolens("export", "moved/best.ckpt", "mine.onnx", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr


def test_a_small_checkpoint_names_no_folder_of_its_maker(run: Path, tmp_path: Path) -> None:
    done = run_emolens("export", "best.ckpt", str(tmp_path / "small.ckpt"), cwd=run)
    assert done.returncode == 0, done.stderr
    assert load_checkpoint(tmp_path / "small.ckpt").recipe.data[0].source == Path("faces")
    assert str(run.parents[2]).encode() not in (tmp_path / "small.ckpt").read_bytes()


def test_the_place_of_missing_checkpoints_is_named(project: Path) -> None:
    copied = run_emolens("recipes", "copy", "own-images", "copied", cwd=project)
    assert copied.returncode == 0, copied.stderr
    assert (project / "copied/checkpoints/teacher-3.ckpt").is_file()
    shutil.rmtree(project / "copied/checkpoints")
    done = run_emolens("train", "copied/own-images.toml", "--set", "data.source=faces", cwd=project)
    assert done.returncode == 1
    message = " ".join(done.stderr.split())
    assert f"{project}/copied/checkpoints/teacher-3.ckpt: no such checkpoint" in message
    assert f"not in the installed package. Copy it to {project}/copied." in message
