"""Lightning set up as every training here wants it: quiet, resumable, with our own progress bar."""

import contextlib
import logging
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import (
    Callback,
    LearningRateMonitor,
    ModelCheckpoint,
    RichProgressBar,
    WeightAveraging,
)
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor

from emolens.core.errors import OutputError
from emolens.training.checkpoint import AtomicCheckpointIO
from emolens.training.recipe import HardwareSection

BEST_CHECKPOINT = "best.ckpt"
LAST_CHECKPOINT = "last.ckpt"
LOGS = "logs"
_LOG_EVERY_N_STEPS = 50
_MEANT_SO = (
    "Checkpoint directory .* exists and is not empty",
    # Lightning's own use of a torch function that torch has since replaced.
    ".*isinstance.treespec, LeafSpec.. is deprecated",
    # Every process validates on all faces, so there is nothing to bring together.
    "It is recommended to use .*sync_dist=True",
)
_PRECISION = {"fp32": "32-true", "bf16": "bf16-mixed"}


class ProgressBar(RichProgressBar):
    """Lightning's bar with the figures that matter, so that they fit on one line."""

    def get_metrics(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """The loss, and what is measured after each epoch."""
        figures = super().get_metrics(trainer, pl_module)
        shown = {"loss": "train_loss_step", "val_loss": "val_loss", "val_acc": "val_accuracy"}
        shown["val_error"] = "val_error"
        return {name: figures[key] for name, key in shown.items() if key in figures}


def epoch_callbacks(
    folder: Path, ema_decay: float, *, monitor: str, mode: str, show_progress: bool
) -> list[Callback]:
    """Averaging of weights, checkpoints of the best and the last epoch, rates, and a bar.

    Args:
        folder: Where the checkpoints go.
        ema_decay: Decay per step of the moving average of weights.
        monitor: The figure that tells the best epoch.
        mode: Whether the best one is its `min` or its `max`.
        show_progress: Whether to draw a bar on standard error, if that is a terminal.
    """
    callbacks: list[Callback] = [
        WeightAveraging(avg_fn=_moving_average(ema_decay)),
        ModelCheckpoint(
            folder, filename="best", monitor=monitor, mode=mode, enable_version_counter=False
        ),
        ModelCheckpoint(folder, filename="last", enable_version_counter=False),
        LearningRateMonitor("epoch"),
    ]
    if show_progress and sys.stderr.isatty():
        callbacks.append(ProgressBar(console_kwargs={"stderr": True}))
    return callbacks


def build_trainer(
    hardware: HardwareSection,
    folder: Path,
    callbacks: Sequence[Callback],
    *,
    n_epochs: int,
    n_batches: int,
) -> pl.Trainer:
    """A trainer that writes its logs (CSV and TensorBoard) into a folder."""
    return pl.Trainer(
        max_epochs=n_epochs,
        precision=_PRECISION[hardware.precision],  # type: ignore[arg-type]  # a known word
        devices=hardware.devices,
        num_nodes=hardware.num_nodes,
        # Every process takes its part of each batch itself.
        use_distributed_sampler=False,
        plugins=[AtomicCheckpointIO()],
        callbacks=list(callbacks),
        # Every start writes its own version_N, so a resumed run keeps what went before.
        logger=[CSVLogger(folder, name=LOGS), TensorBoardLogger(folder, name="tensorboard")],
        log_every_n_steps=min(_LOG_EVERY_N_STEPS, n_batches),
        enable_progress_bar=any(isinstance(callback, RichProgressBar) for callback in callbacks),
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An exponential moving average that forgets the first, random weights quickly.

    The decay grows to its final value with the number of averaged steps, as in TensorFlow's
    `ExponentialMovingAverage` with `num_updates`.
    """

    def average(averaged: Tensor, current: Tensor, n_averaged: Tensor | int) -> Tensor:
        n = int(n_averaged)
        now = min(decay, (1 + n) / (10 + n))
        # In this form a frozen weight stays what it is to the last bit.
        return averaged + (current - averaged) * (1 - now)

    return average


@contextlib.contextmanager
def writing_to(run_dir: Path) -> Iterator[None]:
    """Say which folder could not be written where a log, and not a file of ours, fails."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{run_dir}: training stopped, the folder cannot be written: "
            f"{error.strerror or error}; make room and go on with "
            f"--resume {shlex.quote(str(run_dir))}"
        ) from error


@contextlib.contextmanager
def flushing_denormals() -> Iterator[None]:
    """Take numbers next to zero as zero, which is much faster; a setting of the whole process."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Keep Lightning's warnings about devices, and what it warns of that is meant so, away."""
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
