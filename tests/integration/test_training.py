"""The whole way from a recipe to finished networks, on drawn images."""

import csv
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import ConfigError, OutputError
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.evaluation.calibration import fit_class_scales
from emolens.runtime.model_file import load_emotion_model
from emolens.training.checkpoint import load_checkpoint
from emolens.training.export import deployable
from emolens.training.fit import fit
from emolens.training.inference import torch_logits
from emolens.training.module import ExpressionModule
from emolens.training.networks import LogitsAndCam
from emolens.training.recipe import Recipe
from emolens.training.recipe_file import load_recipe, to_toml
from tests.recipes import SMALL_NETWORK, small_recipe

TWO_PHASES = ({"epochs": 2}, {"epochs": 2, "learning_stages": 2, "peak_rate": 1e-3})


def losses(run_dir: Path, column: str = "train_loss_epoch") -> list[str]:
    """Logged losses over all phases and starts of a run, in order."""
    found = []
    for log in sorted(run_dir.glob("phase-*/logs/*/metrics.csv")):
        with log.open() as file:
            found += [row.get(column, "") for row in csv.DictReader(file)]
    return [loss for loss in found if loss]


def accuracy(network: torch.nn.Module, data: Path) -> float:
    faces = load_faces(data, Split.VALIDATION)
    spec = OnnxEmotionClassifier.load().input_spec
    return float((torch_logits(network, faces.images, spec).argmax(axis=1) == faces.labels).mean())


def test_training_learns(small_run: Path, generated_data: Path) -> None:
    networks = load_checkpoint(small_run / "best.ckpt").networks
    assert accuracy(deployable(LogitsAndCam(networks)), generated_data) > 0.4  # chance is 1/7


def test_a_run_folder_holds_what_is_needed_to_repeat_and_judge_it(small_run: Path) -> None:
    names = {path.relative_to(small_run).as_posix() for path in small_run.rglob("*")}
    assert {"best.ckpt", "phase-1.ckpt", "recipe.toml", "learning-curve.png"} <= names
    assert {"phase-1/best.ckpt", "phase-1/last.ckpt", "phase-1/logs/version_0/metrics.csv"} <= names
    assert any("tensorboard" in name and "tfevents" in name for name in names)
    assert load_recipe(small_run / "recipe.toml").name == "small"
    metrics = json.loads((small_run / "metrics.json").read_text())
    assert metrics["n"] == 140
    assert metrics["split"] == "validation"
    assert (metrics["n_training"], metrics["n_dropped"]) == (280, {})
    assert metrics["accuracy"] > 0.4


class _KilledError(RuntimeError):
    pass


@pytest.mark.parametrize("n_steps", [3, 11, 20, 29])
def test_a_killed_run_goes_on_as_if_it_never_stopped(
    generated_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_steps: int
) -> None:
    """Whatever the step: in the first epoch, later, in the second phase, in its last step."""
    recipe = small_recipe(generated_data, phases=TWO_PHASES, loss={"vote_weight": 1.0})
    fit(recipe, tmp_path / "whole", show_progress=False)
    step = ExpressionModule.training_step
    steps: list[float] = []

    def dying_step(self: ExpressionModule, batch: object, index: int) -> torch.Tensor:
        if len(steps) == n_steps:
            raise _KilledError
        steps.append(0)
        return step(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(ExpressionModule, "training_step", dying_step)
    with pytest.raises(_KilledError):
        fit(recipe, tmp_path / "killed", show_progress=False)
    monkeypatch.undo()
    fit(recipe, tmp_path / "killed", resume=True, show_progress=False)
    assert len(losses(tmp_path / "whole")) == 4
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    states = [
        load_checkpoint(tmp_path / name / "best.ckpt").networks[0].state_dict()
        for name in ("whole", "killed")
    ]
    for key, value in states[0].items():
        torch.testing.assert_close(value, states[1][key], rtol=0, atol=0)


def test_a_finished_run_may_be_resumed_for_nothing(generated_data: Path, tmp_path: Path) -> None:
    recipe = small_recipe(generated_data, epochs=1)
    first = fit(recipe, tmp_path, show_progress=False)
    assert fit(recipe, tmp_path, resume=True, show_progress=False) == first


def test_nothing_to_resume_and_nothing_to_overwrite(small_run: Path, tmp_path: Path) -> None:
    recipe = load_checkpoint(small_run / "best.ckpt").recipe
    with pytest.raises(ConfigError, match="no run to resume"):
        fit(recipe, tmp_path / "none", resume=True, show_progress=False)
    with pytest.raises(ConfigError, match="already holds a run"):
        fit(recipe, small_run, show_progress=False)


def test_a_run_is_not_resumed_with_another_recipe(small_run: Path) -> None:
    recipe = load_checkpoint(small_run / "best.ckpt").recipe
    values = recipe.model_dump()
    values["phases"][0]["peak_rate"] = 0.5
    other = Recipe.model_validate({**values, "seed": 9})
    with pytest.raises(
        ConfigError,
        match=r"seed \(saved 0, requested 9\), phases.0.peak_rate \(saved 0.01, requested 0.5\)",
    ):
        fit(other, small_run, resume=True, show_progress=False)


def test_snapshots_ship_the_networks_of_all_phases(generated_data: Path, tmp_path: Path) -> None:
    recipe = small_recipe(generated_data, phases=TWO_PHASES, snapshots=True)
    fit(recipe, tmp_path, show_progress=False)
    networks = load_checkpoint(tmp_path / "best.ckpt").networks
    assert len(networks) == 2
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    faces = load_faces(generated_data, Split.VALIDATION)
    logits = torch_logits(LogitsAndCam(networks).eval(), faces.images, networks[0].input_spec)
    named = (logits * fit_class_scales(logits, faces.labels)).argmax(axis=1)
    assert metrics["accuracy"] == pytest.approx((named == faces.labels).mean())


def test_finished_networks_join_the_new_one(
    small_run: Path, generated_data: Path, tmp_path: Path
) -> None:
    finished = small_run / "best.ckpt"
    recipe = small_recipe(generated_data, ensemble=[str(finished)], seed=1)
    fit(recipe, tmp_path, show_progress=False)
    joined, new = load_checkpoint(tmp_path / "best.ckpt").networks
    for network, path in ((joined, finished), (new, tmp_path / "phase-1.ckpt")):
        state = load_checkpoint(path).networks[0].state_dict()
        for key, value in network.state_dict().items():
            assert torch.equal(value, state[key])


def test_members_may_be_chosen_when_training_is_over(
    small_run: Path, generated_data: Path, tmp_path: Path
) -> None:
    fit(small_recipe(generated_data, seed=1), tmp_path, show_progress=False)
    alone = (tmp_path / "phase-1.ckpt").read_bytes()
    recipe = small_recipe(generated_data, seed=1, ensemble=[str(small_run / "best.ckpt")])
    fit(recipe, tmp_path, resume=True, show_progress=False)
    assert len(load_checkpoint(tmp_path / "best.ckpt").networks) == 2
    assert (tmp_path / "phase-1.ckpt").read_bytes() == alone


def test_a_member_of_another_architecture_is_refused_before_training(
    small_run: Path, generated_data: Path, tmp_path: Path
) -> None:
    network = {**SMALL_NETWORK, "dropout": 0.4}
    recipe = small_recipe(generated_data, network=network, ensemble=[str(small_run / "best.ckpt")])
    with pytest.raises(ConfigError, match="ensemble: .* has another architecture: network.drop"):
        fit(recipe, tmp_path, show_progress=False)
    assert not (tmp_path / "phase-1").exists()


def test_a_head_that_learns_alone_leaves_the_rest(small_run: Path, generated_data: Path) -> None:
    start = small_run / "best.ckpt"
    folder = small_run.parent / "head"
    phases = ({"epochs": 2, "learning_stages": 0, "patience": 1},)
    recipe = small_recipe(generated_data, phases=phases, start=str(start))
    fit(recipe, folder, show_progress=False)
    old, new = (load_checkpoint(path / "best.ckpt").networks[0] for path in (small_run, folder))
    for key, value in old.backbone.state_dict().items():
        assert torch.equal(value, new.backbone.state_dict()[key])
    assert not torch.equal(old.last_layer.weight, new.last_layer.weight)


def test_early_stopping_waits_as_long_as_said(generated_data: Path, tmp_path: Path) -> None:
    phases = ({"epochs": 40, "patience": 1, "peak_rate": 1e-9, "warmup_epochs": 0},)
    fit(small_recipe(generated_data, phases=phases), tmp_path, show_progress=False)
    assert len(losses(tmp_path)) < 10


def test_a_run_that_stopped_early_stays_stopped(
    generated_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases = ({"epochs": 40, "patience": 1, "peak_rate": 1e-9, "warmup_epochs": 0},)
    recipe = small_recipe(generated_data, phases=phases)

    def full(*_: object) -> None:
        raise OutputError("no room")

    monkeypatch.setattr("emolens.training.fit.save_checkpoint", full)
    with pytest.raises(OutputError, match="no room"):
        fit(recipe, tmp_path, show_progress=False)
    monkeypatch.undo()
    n_epochs = len(losses(tmp_path))
    fit(recipe, tmp_path, resume=True, show_progress=False)
    assert len(losses(tmp_path)) == n_epochs


def test_what_a_run_started_from_may_be_gone_later(
    small_run: Path, generated_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = tmp_path / "start.ckpt"
    start.write_bytes((small_run / "best.ckpt").read_bytes())
    recipe = small_recipe(
        generated_data, phases=({"epochs": 2, "learning_stages": 0},), start=str(start)
    )
    fit(recipe, tmp_path / "whole", show_progress=False)
    step = ExpressionModule.training_step

    def dying_step(self: ExpressionModule, batch: object, index: int) -> torch.Tensor:
        if self.current_epoch == 1:
            raise _KilledError
        return step(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(ExpressionModule, "training_step", dying_step)
    with pytest.raises(_KilledError):
        fit(recipe, tmp_path / "killed", show_progress=False)
    monkeypatch.undo()
    start.unlink()
    fit(recipe, tmp_path / "killed", resume=True, show_progress=False)
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_a_student_comes_closer_to_its_teacher(
    small_run: Path, generated_data: Path, tmp_path: Path
) -> None:
    teacher = load_checkpoint(small_run / "best.ckpt")
    faces = load_faces(generated_data, Split.VALIDATION)
    spec = teacher.networks[0].input_spec
    taught = torch_logits(LogitsAndCam(teacher.networks).eval(), faces.images, spec)
    distances = {}
    for weight in (0.0, 1.0):
        section = {
            "checkpoints": [str(small_run / "best.ckpt")],
            "weight": weight,
            "temperature": 1.0,
        }
        recipe = small_recipe(generated_data, epochs=6, teacher=section, seed=5)
        fit(recipe, tmp_path / str(weight), show_progress=False)
        student = load_checkpoint(tmp_path / str(weight) / "best.ckpt").networks
        logits = torch_logits(LogitsAndCam(student).eval(), faces.images, spec)
        own, target = (torch.tensor(rows).log_softmax(1) for rows in (logits, taught))
        distances[weight] = float(
            torch.nn.functional.kl_div(own, target, reduction="batchmean", log_target=True)
        )
    assert distances[1.0] < distances[0.0]


def test_classes_left_out_are_never_named(generated_data: Path, tmp_path: Path) -> None:
    data = {"source": generated_data, "classes": ["angry", "happy", "neutral"]}
    recipe = small_recipe(generated_data, data=data, loss={"class_weights": "sqrt"})
    fit(recipe, tmp_path, show_progress=False)
    network = LogitsAndCam(load_checkpoint(tmp_path / "best.ckpt").networks).eval()
    faces = load_faces(generated_data, Split.VALIDATION)
    spec = OnnxEmotionClassifier.load().input_spec
    assert set(torch_logits(network, faces.images, spec).argmax(axis=1)) <= {0, 3, 6}


def _small_files_only() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_no_room_is_said_with_the_way_on(generated_data: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk."""
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        to_toml(small_recipe(generated_data, network={**SMALL_NETWORK, "channels": [32] * 4}))
    )
    run_dir = tmp_path / "run"
    command = [sys.executable, "-m", "emolens", "train", str(recipe), "--out", str(run_dir)]
    done = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=_small_files_only, check=False
    )
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(run_dir.rglob("*.ckpt"))
    assert not list(run_dir.rglob("*.part"))


def test_a_log_that_cannot_be_written_is_said_too(
    generated_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lightning.pytorch.loggers.CSVLogger.save", full)
    with pytest.raises(
        OutputError, match="No space left on device. Free some space and continue with"
    ):
        fit(small_recipe(generated_data), tmp_path / "run", show_progress=False)


def test_two_processes_train_one_network(generated_data: Path, tmp_path: Path) -> None:
    """Data parallel over two processes, as over GPUs, in two phases."""
    recipe = tmp_path / "small.toml"
    recipe.write_text(to_toml(small_recipe(generated_data, phases=TWO_PHASES)))
    run_dir = tmp_path / "run"
    command = [sys.executable, "-m", "emolens", "train", str(recipe), "--out", str(run_dir)]
    command += ["--set", "hardware.devices=2", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert len(losses(run_dir)) == 4
    assert done.stdout.count("validation accuracy") == 1
    alone = small_recipe(generated_data, phases=TWO_PHASES)
    fit(alone, tmp_path / "alone", show_progress=False)
    # Every process draws its own changes and sees half of each batch.
    assert losses(run_dir) != losses(tmp_path / "alone")
    assert [float(loss) for loss in losses(run_dir)] == pytest.approx(
        [float(loss) for loss in losses(tmp_path / "alone")], rel=0.25
    )


def test_the_commands_lead_from_a_recipe_to_a_model(generated_data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(to_toml(small_recipe(generated_data)))

    def emolens(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "emolens", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    trained = emolens("train", recipe.name, "--set", "phases.0.epochs=2")
    assert trained.returncode == 0, trained.stderr
    assert "validation accuracy" in trained.stdout
    exported = emolens("export", "runs/small/best.ckpt", "mine.onnx")
    assert exported.returncode == 0, exported.stderr
    evaluated = emolens("evaluate", "--model", "mine.onnx", "--data", str(generated_data))
    assert evaluated.returncode == 0, evaluated.stderr
    small = emolens("export", "runs/small/best.ckpt", "start.ckpt", "--set", "name=other")
    assert small.returncode == 0, small.stderr
    again = emolens("train", recipe.name, "--set", "start=start.ckpt", "--out", "runs/again")
    assert again.returncode == 0, again.stderr
    senseless = emolens("export", "runs/small/best.ckpt", "start.ckpt", "--int8")
    assert "a .ckpt file takes --set only" in senseless.stderr
    named = emolens("export", "start.ckpt", "other.onnx", "--data", str(generated_data))
    assert named.returncode == 0, named.stderr
    assert load_emotion_model(tmp_path / "other.onnx").manifest.name == "other"
    wrong = emolens("train", recipe.name, "--set", "phases.0.speed=2")
    assert wrong.returncode == 1
    assert "unknown key 'phases.0.speed'" in wrong.stderr
