"""Callbacks of a training: checkpoints of moved runs, and one line per epoch."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from emolens.training.trainer import EpochLines, MovableCheckpoint, ProgressBar, epoch_callbacks


def test_a_moved_checkpoint_keeps_its_score_and_finds_its_files(tmp_path: Path) -> None:
    old, new = (
        MovableCheckpoint(tmp_path / name, filename="best", monitor="val_accuracy", mode="max")
        for name in ("old", "new")
    )
    best = str(tmp_path / "old/best.ckpt")
    old.best_model_score = old.kth_value = torch.tensor(0.75)
    old.best_model_path = old.kth_best_model_path = best
    old.best_k_models = {best: torch.tensor(0.75)}
    new.load_state_dict(old.state_dict())
    assert new.best_model_score == 0.75
    moved = str(tmp_path / "new/best.ckpt")
    assert (new.best_model_path, new.kth_best_model_path, new.last_model_path) == (moved, moved, "")
    assert list(new.best_k_models) == [moved]


def test_the_state_has_the_key_of_earlier_runs(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"monitor": "val_accuracy", "mode": "max"}
    ours, theirs = (kind(tmp_path, **settings) for kind in (MovableCheckpoint, ModelCheckpoint))
    assert ours.state_key == theirs.state_key


def a_trainer(score: float | None, *, is_first: bool = True) -> pl.Trainer:
    """What a line needs of a trainer in its third epoch."""
    best = None if score is None else torch.tensor(score)
    trainer: Any = SimpleNamespace(
        is_global_zero=is_first,
        current_epoch=2,
        max_epochs=12,
        callback_metrics={"train_loss_epoch": torch.tensor(1.25), "val_error": torch.tensor(0.5)},
        checkpoint_callback=SimpleNamespace(best_model_score=best),
    )
    return trainer  # type: ignore[no-any-return]


@pytest.mark.parametrize(("earlier", "best"), [(None, 50), (0.25, 25), (0.75, 50)])
def test_a_line_tells_the_epoch_and_the_best_so_far(earlier: float | None, best: int) -> None:
    lines: list[str] = []
    callback = EpochLines("phase-2", "val_error", "min", lines.append)
    trainer, module = a_trainer(earlier), pl.LightningModule()
    callback.on_train_epoch_start(trainer, module)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.02)
    callback.on_before_optimizer_step(trainer, module, optimizer)
    callback.on_train_epoch_end(trainer, module)
    assert lines == [
        "phase 2, epoch 3/12: training loss 1.2500, landmark error 50.00% "
        f"(best {best}.00%), learning rate 2.0e-02, 0.0 s"
    ]


def test_other_processes_tell_nothing() -> None:
    lines: list[str] = []
    callback = EpochLines("phase-1", "val_error", "min", lines.append)
    callback.on_train_epoch_end(a_trainer(None, is_first=False), pl.LightningModule())
    assert lines == []


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_has_a_bar_and_a_log_has_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    callbacks = epoch_callbacks(
        tmp_path, 0.9, monitor="val_error", mode="min", show_progress=True, on_epoch=print
    )
    kinds = {type(callback) for callback in callbacks}
    assert (ProgressBar in kinds, EpochLines in kinds) == (is_terminal, not is_terminal)
