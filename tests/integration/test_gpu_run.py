"""The prepared run for a GPU, from packing to the student, on a CPU and drawn faces."""

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.training.checkpoint import load_checkpoint
from tests.recipes import SMALL_NETWORK
from tests.scripts import load_script

SCRIPT = Path(__file__).parents[2] / "docs/experiments/gpu_run.py"
SMALL = {"network": SMALL_NETWORK, "schedule": {"batch_size": 140}}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script(SCRIPT)


@pytest.fixture(scope="module")
def packed(
    script: ModuleType, generated_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("packed")
    script.pack(generated_data, Path("random"), out)
    return out


def test_packed_faces_are_about_the_same(packed: Path, generated_data: Path) -> None:
    for split in (Split.TRAIN, Split.VALIDATION):
        before, after = (load_faces(path, split) for path in (generated_data, packed))
        if split is Split.VALIDATION:
            np.testing.assert_array_equal(before.images, after.images)
        else:
            difference = before.images.astype(float) - after.images
            assert np.abs(difference).mean() < 4
        np.testing.assert_array_equal(before.labels, after.labels)
        assert before.votes is not None
        assert after.votes is not None
        np.testing.assert_array_equal(before.votes, after.votes)


def test_teachers_teach_a_student_and_nothing_is_trained_twice(
    script: ModuleType, packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = [
        script.Training("teacher", "resnet18-gpu.toml", 0.9, 2, SMALL),
        script.Training("student", "taught.toml", 0.9, 2, SMALL, is_student=True),
    ]
    script.train(packed, tmp_path, 10, plan)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "student.ckpt",
        "student.json",
        "teacher.ckpt",
        "teacher.json",
    ]
    student = load_checkpoint(tmp_path / "student.ckpt").recipe
    assert student.teacher is not None
    assert [path.name for path in student.teacher.checkpoints] == ["teacher.ckpt"]
    assert 0 <= json.loads((tmp_path / "student.json").read_text())["accuracy"] <= 1
    capsys.readouterr()
    script.train(packed, tmp_path, 10, plan)
    assert not capsys.readouterr().out


def test_what_there_is_no_time_for_is_left_out(
    script: ModuleType, packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = [script.Training("teacher", "resnet18-gpu.toml", 0.9, 2, SMALL)]
    script.train(packed, tmp_path, 0.01, plan)
    assert not list(tmp_path.iterdir())
    assert "skipped, an epoch takes" in capsys.readouterr().out


def test_every_training_of_the_plan_has_a_recipe(script: ModuleType, packed: Path) -> None:
    for training in script.PLAN:
        recipe = script.changed(training, packed)
        assert recipe.name == training.name
        assert recipe.schedule.batch_size == 256
