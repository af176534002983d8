"""Lightning trainer with atomic checkpoints, averaged weights, few messages and a progress bar."""

import contextlib
import logging
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

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
_IGNORED_WARNINGS = (
    "Checkpoint directory .* exists and is not empty",
    # Lightning calls a deprecated torch function.
    ".*isinstance.treespec, LeafSpec.. is deprecated",
    # Every process validates on all faces.
    "It is recommended to use .*sync_dist=True",
)
_METRIC_NAMES = {"val_accuracy": "accuracy", "val_error": "landmark error"}
_PRECISION = {"fp32": "32-true", "bf16": "bf16-mixed"}


class ProgressBar(RichProgressBar):
    """Lightning's progress bar with a few metrics that fit on one line."""

    def get_metrics(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Return the training loss and the validation metrics."""
        metrics = super().get_metrics(trainer, pl_module)
        shown = {"loss": "train_loss_step", "val_loss": "val_loss", "val_acc": "val_accuracy"}
        shown["val_error"] = "val_error"
        return {name: metrics[key] for name, key in shown.items() if key in metrics}


class MovableCheckpoint(ModelCheckpoint):
    """A checkpoint callback that keeps the best score when the folder of the run has been moved."""

    @property
    def state_key(self) -> str:
        """Return the key of the base class, as in runs of version 0.1."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state with the paths in the present folder.

        Lightning forgets the score otherwise, and the next epoch replaces the best one.
        """

        def moved(path: object) -> str:
            return str(Path(str(self.dirpath)) / Path(str(path)).name) if path else ""

        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        super().load_state_dict(
            {
                **state_dict,
                **{key: moved(state_dict[key]) for key in paths if key in state_dict},
                "best_k_models": {
                    moved(path): score for path, score in state_dict["best_k_models"].items()
                },
                "dirpath": self.dirpath,
            }
        )


class EpochLines(Callback):
    """One line of text per epoch, for logs and notebooks.

    Args:
        phase: Name of the phase, such as `phase-1`.
        monitor: Metric that selects the best epoch.
        mode: `min` or `max` of the metric.
        on_line: Called with the line, in the main process.
    """

    def __init__(self, phase: str, monitor: str, mode: str, on_line: Callable[[str], None]) -> None:
        self._phase = phase.replace("-", " ")
        self._monitor = monitor
        self._choose = max if mode == "max" else min
        self._on_line = on_line
        self._started_s = 0.0
        self._rate = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        del trainer, pl_module
        self._started_s = time.monotonic()

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Note the learning rate of the step; after the last step it is 0."""
        del trainer, pl_module
        self._rate = max(group["lr"] for group in optimizer.param_groups)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Describe the epoch, which has been validated."""
        del pl_module
        if not trainer.is_global_zero:
            return
        metrics = trainer.callback_metrics
        losses = {"train_loss_epoch": "training loss", "val_loss": "validation loss"}
        parts = [f"{name} {metrics[key]:.4f}" for key, name in losses.items() if key in metrics]
        value = float(metrics[self._monitor])
        # A resumed run knows the best of its earlier epochs from the checkpoint.
        earlier = trainer.checkpoint_callback.best_model_score  # type: ignore[union-attr]  # the trainer has one
        best = value if earlier is None else self._choose(value, float(earlier))
        parts += [
            f"{_METRIC_NAMES[self._monitor]} {value:.2%} (best {best:.2%})",
            f"learning rate {self._rate:.1e}",
            f"{time.monotonic() - self._started_s:.1f} s",
        ]
        epoch = f"{trainer.current_epoch + 1}/{trainer.max_epochs}"
        self._on_line(f"{self._phase}, epoch {epoch}: {', '.join(parts)}")


def epoch_callbacks(
    folder: Path,
    ema_decay: float,
    *,
    monitor: str,
    mode: str,
    show_progress: bool,
    on_epoch: Callable[[str], None],
) -> list[Callback]:
    """Build the callbacks: weight averaging, best and last checkpoint, learning rates, progress.

    Args:
        folder: Folder of the checkpoints.
        ema_decay: Decay per step of the moving average of weights.
        monitor: Metric that selects the best epoch.
        mode: `min` or `max` of the metric.
        show_progress: Whether to draw a progress bar on standard error, if that is a terminal.
        on_epoch: Called with one line per epoch, if there is no progress bar.
    """
    callbacks: list[Callback] = [
        WeightAveraging(avg_fn=_moving_average(ema_decay)),
        MovableCheckpoint(
            folder, filename="best", monitor=monitor, mode=mode, enable_version_counter=False
        ),
        MovableCheckpoint(folder, filename="last", enable_version_counter=False),
        LearningRateMonitor("epoch"),
    ]
    if show_progress and sys.stderr.isatty():
        callbacks.append(ProgressBar(console_kwargs={"stderr": True}))
    else:
        callbacks.append(EpochLines(folder.name, monitor, mode, on_epoch))
    return callbacks


def build_trainer(
    hardware: HardwareSection,
    folder: Path,
    callbacks: Sequence[Callback],
    *,
    n_epochs: int,
    n_batches: int,
) -> pl.Trainer:
    """Build a trainer that writes logs (CSV and TensorBoard) to a folder."""
    return pl.Trainer(
        max_epochs=n_epochs,
        precision=_PRECISION[hardware.precision],  # type: ignore[arg-type]  # a known word
        devices=hardware.devices,
        num_nodes=hardware.num_nodes,
        # Every process selects its part of each batch itself.
        use_distributed_sampler=False,
        plugins=[AtomicCheckpointIO()],
        callbacks=list(callbacks),
        # Every start writes its own version_N, so a resumed run keeps its earlier logs.
        logger=[CSVLogger(folder, name=LOGS), TensorBoardLogger(folder, name="tensorboard")],
        log_every_n_steps=min(_LOG_EVERY_N_STEPS, n_batches),
        enable_progress_bar=any(isinstance(callback, RichProgressBar) for callback in callbacks),
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Build an exponential moving average that forgets the random initial weights quickly.

    The decay grows to its final value with the number of averaged steps, as in TensorFlow's
    `ExponentialMovingAverage` with `num_updates`.
    """

    def average(averaged: Tensor, current: Tensor, n_averaged: Tensor | int) -> Tensor:
        n = int(n_averaged)
        now = min(decay, (1 + n) / (10 + n))
        # This form keeps a frozen weight exactly.
        return averaged + (current - averaged) * (1 - now)

    return average


@contextlib.contextmanager
def writing_to(run_dir: Path) -> Iterator[None]:
    """Turn a failure to write logs into an `OutputError` with the folder of the run."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{run_dir}: training stopped, cannot write to the folder: {error.strerror or error}. "
            f"Free some space and continue with --resume {shlex.quote(str(run_dir))}"
        ) from error


@contextlib.contextmanager
def flushing_denormals() -> Iterator[None]:
    """Flush denormal numbers to zero in the whole process, which is much faster."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Suppress Lightning's messages about devices and its known, harmless warnings."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _IGNORED_WARNINGS:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        logger.setLevel(level)
