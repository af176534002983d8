"""Run a recipe: read the faces, train, keep the best and the last checkpoint."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
    RichProgressBar,
)
from lightning.pytorch.loggers import CSVLogger

from emolens.core.errors import ConfigError
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import load_faces
from emolens.training.batches import FaceBatches
from emolens.training.module import ExpressionModule
from emolens.training.recipe import Recipe
from emolens.training.revision import UNKNOWN_REVISION

BEST_CHECKPOINT = "best.ckpt"
LAST_CHECKPOINT = "last.ckpt"
RESOLVED_RECIPE = "recipe.toml"
# What torch, pydantic and look-ups raise for files of another kind.
_NOT_A_CHECKPOINT = (
    *(AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    UnpicklingError,
)
_LOG_EVERY_N_STEPS = 50
_MEANT_SO = (
    "Checkpoint directory .* exists and is not empty",
    # Lightning's own use of a torch function that torch has since replaced.
    ".*isinstance.treespec, LeafSpec.. is deprecated",
)
_PRECISION = {"fp32": "32-true", "bf16": "bf16-mixed"}


@dataclass(frozen=True, slots=True)
class FitResult:
    """Where a run put its checkpoints and what the best one scored on the validation split."""

    best: Path
    last: Path
    val_accuracy: float


class _TellEpoch(Callback):
    """Gives the batches the number of the epoch, from which they derive their order."""

    def __init__(self, batches: FaceBatches) -> None:
        self.batches = batches

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        self.batches.epoch = trainer.current_epoch


class _ProgressBar(RichProgressBar):
    """Lightning's bar with the three figures that matter, so that they fit on one line."""

    def get_metrics(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        figures = super().get_metrics(trainer, pl_module)
        shown = {"loss": "train_loss_step", "val_loss": "val_loss", "val_acc": "val_accuracy"}
        return {name: figures[key] for name, key in shown.items() if key in figures}


def load_training_faces(recipe: Recipe) -> tuple[FaceSet, FaceSet]:
    """Read the `Training` faces and the `PublicTest` faces that a recipe names."""
    size_px = recipe.network.size_px
    source, validation = recipe.data.source, recipe.data.validation or recipe.data.source
    return (
        load_faces(source, Split.TRAINING, size_px=size_px),
        load_faces(validation, Split.PUBLIC_TEST, size_px=size_px),
    )


def fit(
    recipe: Recipe, run_dir: Path, *, resume: bool = False, show_progress: bool = True
) -> FitResult:
    """Train a recipe, writing a checkpoint after every epoch.

    Args:
        recipe: What to train.
        run_dir: Folder for checkpoints, the CSV log and the resolved recipe; made if missing.
        resume: Go on from the folder's last checkpoint. On a CPU the losses are the same as those
            of a run that never stopped.
        show_progress: Whether to draw a progress bar on standard error, if that is a terminal.

    Raises:
        ConfigError: Nothing to resume, another recipe than the run was begun with, a folder that
            holds a run while `resume` is off, or fewer training faces than one batch.
        DatasetError: The data cannot be read.
    """
    last = run_dir / LAST_CHECKPOINT
    if resume and not last.exists():
        raise ConfigError(f"{run_dir}: no {LAST_CHECKPOINT} to resume from")
    if resume:
        _check_same_recipe(recipe, load_checkpoint(last)[0], run_dir)
    elif last.exists():
        raise ConfigError(f"{run_dir}: already holds a run; resume it or choose another folder")
    training, validation = load_training_faces(recipe)
    schedule = recipe.schedule
    pl.seed_everything(recipe.seed, verbose=False)
    module = ExpressionModule(recipe)
    train_batches = FaceBatches(training, schedule.batch_size, recipe.seed)
    val_batches = FaceBatches(validation, 2 * schedule.batch_size)
    best = ModelCheckpoint(
        run_dir, filename="best", monitor="val_accuracy", mode="max", enable_version_counter=False
    )
    every_epoch = ModelCheckpoint(run_dir, filename="last", enable_version_counter=False)
    callbacks: list[Callback] = [
        _TellEpoch(train_batches),
        # The average begins half an epoch late, so that it never holds the random first weights.
        EMAWeightAveraging(
            decay=schedule.ema_decay, update_starting_at_step=len(train_batches) // 2
        ),
        best,
        every_epoch,
        LearningRateMonitor("epoch"),
    ]
    if not len(train_batches):
        raise ConfigError(
            f"schedule.batch_size is {schedule.batch_size}, but there are only {len(training)} "
            "training faces; make the batches smaller"
        )
    if show_progress and sys.stderr.isatty():
        callbacks.append(_ProgressBar(console_kwargs={"stderr": True}))
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / RESOLVED_RECIPE).write_text(recipe.to_toml(), encoding="utf-8")
    with _without_chatter(), _flushing_denormals():
        _train(recipe, run_dir, module, (train_batches, val_batches), callbacks, resume=resume)
    return FitResult(run_dir / BEST_CHECKPOINT, last, float(best.best_model_score or 0.0))


def _check_same_recipe(wanted: Recipe, begun: Recipe, run_dir: Path) -> None:
    """Refuse to go on with another recipe; only where the data lies may have changed."""
    old, new = (
        _flat(recipe.model_dump(mode="json", exclude={"data"})) for recipe in (begun, wanted)
    )
    differing = [
        f"{key} ({old[key]} there, {new[key]} here)" for key in old if old[key] != new[key]
    ]
    if differing:
        raise ConfigError(
            f"{run_dir}: the run was begun with another recipe: {', '.join(differing)}; resume it "
            f"with {run_dir / RESOLVED_RECIPE}, or choose another folder"
        )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _train(
    recipe: Recipe,
    run_dir: Path,
    module: ExpressionModule,
    batches: tuple[FaceBatches, FaceBatches],
    callbacks: list[Callback],
    *,
    resume: bool,
) -> None:
    train_batches, val_batches = batches
    trainer = pl.Trainer(
        max_epochs=recipe.schedule.epochs,
        precision=_PRECISION[recipe.schedule.precision],  # type: ignore[arg-type]  # a known word
        callbacks=callbacks,
        # Every start writes its own logs/version_N, so a resumed run keeps what went before.
        logger=CSVLogger(run_dir, name="logs"),
        log_every_n_steps=min(_LOG_EVERY_N_STEPS, len(train_batches)),
        enable_progress_bar=any(isinstance(callback, RichProgressBar) for callback in callbacks),
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    last = run_dir / LAST_CHECKPOINT
    trainer.fit(module, train_batches, val_batches, ckpt_path=last if resume else None)


@contextlib.contextmanager
def _flushing_denormals() -> Iterator[None]:
    """Take numbers next to zero as zero, which is much faster; a setting of the whole process."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep Lightning's remarks about devices, and what it warns of that is meant so, away."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _MEANT_SO:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        logger.setLevel(level)


def load_checkpoint(path: Path) -> tuple[Recipe, ExpressionModule]:
    """Rebuild the averaged network of a checkpoint, without running any code from the file.

    Raises:
        ConfigError: There is no such file, or it is not a checkpoint that `fit` wrote.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        recipe = Recipe.model_validate(checkpoint["hyper_parameters"]["recipe"])
        module = ExpressionModule(recipe)
        module.load_state_dict(checkpoint["state_dict"])
        module.trained_by = checkpoint["hyper_parameters"].get("code_revision", UNKNOWN_REVISION)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such checkpoint") from error
    except _NOT_A_CHECKPOINT as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: not a checkpoint of emolens train: {reason}") from error
    return recipe, module.eval()
