"""The whole way from a recipe to a model file, on drawn pictures."""

import csv
from pathlib import Path

import pytest
import torch

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import ConfigError
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.training.export import (
    deployable,
    torch_logits,
)
from emolens.training.fit import LAST_CHECKPOINT, fit, load_checkpoint
from emolens.training.networks import LogitsAndCam
from emolens.training.recipe import load_recipe
from tests.recipes import small_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


def losses(run_dir: Path) -> list[str]:
    """Mean loss of every finished epoch, over all starts of a run."""
    found = []
    for log in sorted(run_dir.glob("logs/*/metrics.csv")):
        with log.open() as file:
            found += [row["train_loss_epoch"] for row in csv.DictReader(file)]
    return [loss for loss in found if loss]


def test_training_learns(small_run: Path, generated_data: Path) -> None:
    _, module = load_checkpoint(small_run / "best.ckpt")
    faces = load_faces(generated_data, Split.PUBLIC_TEST)
    network = deployable(LogitsAndCam(module.network))
    spec = OnnxEmotionClassifier.load().input_spec
    accuracy = (torch_logits(network, faces.images, spec).argmax(axis=1) == faces.labels).mean()
    assert accuracy > 0.4  # chance is 1/7


def test_a_run_folder_holds_what_is_needed_to_repeat_it(small_run: Path) -> None:
    assert {"best.ckpt", "last.ckpt", "recipe.toml", "logs"} <= {
        p.name for p in small_run.iterdir()
    }
    assert load_recipe(small_run / "recipe.toml").name == "small"


class _KilledError(RuntimeError):
    pass


def test_a_killed_run_goes_on_as_if_it_never_stopped(
    generated_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(generated_data)
    fit(recipe, tmp_path / "whole", show_progress=False)

    from emolens.training.module import ExpressionModule

    step = ExpressionModule.training_step

    def dying_step(self: ExpressionModule, batch: object, index: int) -> torch.Tensor:
        if self.current_epoch == 2 and index == 3:
            raise _KilledError
        return step(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(ExpressionModule, "training_step", dying_step)
    with pytest.raises(_KilledError):
        fit(recipe, tmp_path / "killed", show_progress=False)
    assert len(losses(tmp_path / "killed")) == 2
    monkeypatch.undo()
    fit(recipe, tmp_path / "killed", resume=True, show_progress=False)
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    weights = [
        torch.load(tmp_path / name / LAST_CHECKPOINT, weights_only=True)["state_dict"]
        for name in ("whole", "killed")
    ]
    for key, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][key], rtol=0, atol=0)


def test_nothing_to_resume_and_nothing_to_overwrite(small_run: Path, tmp_path: Path) -> None:
    recipe, _ = load_checkpoint(small_run / "last.ckpt")
    with pytest.raises(ConfigError, match="no last.ckpt"):
        fit(recipe, tmp_path / "none", resume=True, show_progress=False)
    with pytest.raises(ConfigError, match="already holds a run"):
        fit(recipe, small_run, show_progress=False)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04damaged"])
def test_files_that_are_no_checkpoint_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not a checkpoint"):
        load_checkpoint(path)
    with pytest.raises(ConfigError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none.ckpt")


def test_a_checkpoint_of_another_architecture_is_refused(small_run: Path, tmp_path: Path) -> None:
    checkpoint = torch.load(small_run / "last.ckpt", weights_only=True)
    checkpoint["hyper_parameters"]["recipe"]["network"]["channels"] = [8, 8, 16, 32]
    torch.save(checkpoint, tmp_path / "other.ckpt")
    with pytest.raises(ConfigError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "other.ckpt")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_run(path: Path, generated_data: Path, tmp_path: Path) -> None:
    recipe = load_recipe(
        path,
        [
            f"data.source={generated_data}",
            "schedule.epochs=1",
            "schedule.warmup_epochs=0",
            "schedule.batch_size=140",
        ],
    )
    result = fit(recipe, tmp_path, show_progress=False)
    assert result.best.exists()


def test_a_run_is_not_resumed_with_another_recipe(small_run: Path) -> None:
    recipe, _ = load_checkpoint(small_run / "last.ckpt")
    other = recipe.model_copy(update={"seed": 9})
    with pytest.raises(ConfigError, match=r"seed \(0 there, 9 here\)"):
        fit(other, small_run, resume=True, show_progress=False)


def test_fewer_faces_than_a_batch_are_refused(generated_data: Path, tmp_path: Path) -> None:
    recipe = small_recipe(generated_data, batch_size=512)
    with pytest.raises(ConfigError, match="only 280 training faces"):
        fit(recipe, tmp_path, show_progress=False)
