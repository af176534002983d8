"""Training of a recipe: read the faces, train phase by phase, keep the best networks."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
)
from torch import Tensor

from emolens.core.errors import ConfigError
from emolens.core.progress import Progress, say_nothing, silently
from emolens.datasets.faces import FaceSet
from emolens.imaging.preprocess import preprocess
from emolens.storage.files import write_bytes
from emolens.training.architectures import build_network
from emolens.training.batches import FaceBatches
from emolens.training.checkpoint import (
    averaged_state,
    load_checkpoint,
    load_members,
    save_checkpoint,
    start_from,
)
from emolens.training.face_resnet import FaceResNet, measure_statistics
from emolens.training.faces import TrainingFaces, load_training_faces
from emolens.training.inference import pooled_features
from emolens.training.losses import ExpressionLoss
from emolens.training.module import ExpressionModule
from emolens.training.networks import ExpressionNetwork
from emolens.training.processes import is_main_process
from emolens.training.recipe import Recipe
from emolens.training.recipe_file import differing_keys, load_recipe, to_toml
from emolens.training.recipe_paths import strip_folders
from emolens.training.revision import code_revision
from emolens.training.run_report import validation_metrics, write_run_report
from emolens.training.teaching import with_taught_targets
from emolens.training.trainer import (
    BEST_CHECKPOINT,
    LAST_CHECKPOINT,
    build_trainer,
    epoch_callbacks,
    flushing_denormals,
    without_chatter,
    writing_to,
)

RESOLVED_RECIPE = "recipe.toml"
TEACHER_PREDICTIONS = "teachers.npz"
# Enough for the mean and variance of every channel.
_N_STATISTICS_FACES = 512
# A resumed run may have other paths and devices.
_MAY_CHANGE: dict[str, Any] = {
    "data": {"__all__": {"source", "validation"}},
    "hardware": {"devices", "num_nodes"},
    # Used after training only.
    "ensemble": True,
    "answer": True,
}


@dataclass(frozen=True, slots=True)
class FitResult:
    """The result of a run.

    Attributes:
        best: Checkpoint of the trained networks, for `emolens export`.
        val_accuracy: Accuracy of their mean on the validation split, 0..1.
    """

    best: Path
    val_accuracy: float


class _SetEpoch(Callback):
    """A callback that sets the epoch and the rank of the batches, which determine their rows."""

    def __init__(self, batches: FaceBatches) -> None:
        self.batches = batches

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        self.batches.epoch = trainer.current_epoch
        self.batches.rank, self.batches.world_size = trainer.global_rank, trainer.world_size


class _Patience(EarlyStopping):
    """Early stopping that stays stopped when a run is resumed."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        trainer.should_stop = self.wait_count >= self.patience


def fit(
    recipe: Recipe,
    run_dir: Path,
    *,
    resume: bool = False,
    show_progress: bool = True,
    on_faces: Callable[[TrainingFaces], None] = lambda _faces: None,
    on_teaching: Progress = silently,
    on_epoch: Callable[[str], None] = say_nothing,
) -> FitResult:
    """Train a recipe and write a checkpoint after every epoch.

    Writes `recipe.toml` with every default, a folder `phase-1/` etc. with checkpoints and logs (CSV
    and TensorBoard) of each phase, `phase-1.ckpt` etc. with its best network, and finally
    `best.ckpt`, `metrics.json` and `learning-curve.png`.

    Args:
        recipe: The recipe.
        run_dir: Folder of the run; created if missing.
        resume: Whether to continue from the last checkpoint in the folder. On a CPU the losses
            equal those of an uninterrupted run.
        show_progress: Whether to draw a progress bar on standard error, if that is a terminal.
        on_faces: Called with the faces before training, in the main process.
        on_teaching: Progress of the teachers' predictions, with `asked_about = "faces"`.
        on_epoch: Called with one line per epoch, in the main process and without a progress bar.

    Raises:
        ConfigError: There is no run to resume, the recipe differs from that of the run, the folder
            holds a run and `resume` is off, weights, teachers or members of the ensemble are
            missing, or the data do not fit the recipe.
        DatasetError: The data cannot be read.
        OutputError: The folder is not writable, or the disk is full.
    """
    if is_main_process():
        _check_folder(recipe, run_dir, resume=resume)
    revision = code_revision()
    faces = load_training_faces(recipe)
    if is_main_process():
        on_faces(faces)
    pl.seed_everything(recipe.seed, verbose=False)
    finished = [run_dir / f"phase-{index + 1}.ckpt" for index in range(len(recipe.phases))]
    remaining = [index for index, path in enumerate(finished) if not path.exists()]
    teachers = _load_teachers(recipe) if remaining else []
    members = load_members(recipe.ensemble, recipe)
    network = _first_network(recipe, finished[0], faces)
    if teachers and not recipe.has_teacher_of_batches:
        with on_teaching("teachers", len(faces.training) * len(teachers)) as advance:
            faces = with_taught_targets(faces, teachers, run_dir / TEACHER_PREDICTIONS, advance)
        teachers = []
    if is_main_process():
        write_bytes(run_dir / RESOLVED_RECIPE, to_toml(recipe).encode())
    loss = ExpressionLoss(recipe.loss, faces.class_counts, recipe.class_indices)
    with without_chatter(), flushing_denormals(), writing_to(run_dir):
        for index in remaining:
            if index:
                network = load_checkpoint(finished[index - 1]).networks[0]
            module = ExpressionModule(recipe, index, network, loss, teachers)
            _run_phase(
                module,
                faces,
                finished[index],
                revision,
                show_progress=show_progress,
                on_epoch=on_epoch,
            )
    chosen = finished if recipe.snapshots else finished[-1:]
    return _finish(recipe, run_dir, chosen, members, faces)


def _check_folder(recipe: Recipe, run_dir: Path, *, resume: bool) -> None:
    resolved = run_dir / RESOLVED_RECIPE
    if resume and not resolved.exists():
        raise ConfigError(f"{run_dir}: no run to resume; {RESOLVED_RECIPE} is missing")
    if resume:
        _check_same_recipe(recipe, load_recipe(resolved), run_dir)
    elif resolved.exists():
        raise ConfigError(f"{run_dir}: already holds a run. Resume it, or choose another folder.")


def _check_same_recipe(wanted: Recipe, begun: Recipe, run_dir: Path) -> None:
    """Raise an error if a resumed run has another recipe, apart from paths and devices."""
    old, new = (
        strip_folders(recipe.model_dump(mode="json", exclude=_MAY_CHANGE))
        for recipe in (begun, wanted)
    )
    differing = differing_keys(old, new)
    if differing:
        raise ConfigError(
            f"{run_dir}: the run has another recipe: {', '.join(differing)}. Resume it with "
            f"{run_dir / RESOLVED_RECIPE}, or choose another folder."
        )


def _load_teachers(recipe: Recipe) -> list[ExpressionNetwork]:
    paths = recipe.teacher.checkpoints if recipe.teacher else ()
    return [network for path in paths for network in load_checkpoint(path).networks]


def _first_network(recipe: Recipe, finished: Path, faces: TrainingFaces) -> ExpressionNetwork:
    """Build the network of the first phase."""
    # A resumed run does not need the pretrained weights, which may be gone.
    is_begun = finished.exists() or _last_of(finished).exists()
    network = build_network(recipe, pretrained=not is_begun)
    if recipe.start and not is_begun:
        start_from(network, recipe.start, recipe)
    elif isinstance(network.backbone, FaceResNet) and not is_begun:
        # dlib's file has scales and shifts, but no statistics.
        measure_on_some(network, faces.training)
    return network


def measure_on_some(network: ExpressionNetwork, faces: FaceSet) -> None:
    """Set the statistics of batch normalisation from a sample of faces; outputs stay the same."""
    some = faces.images[:: max(len(faces) // _N_STATISTICS_FACES, 1)][:_N_STATISTICS_FACES]
    prepared = preprocess(list(some), network.input_spec)
    measure_statistics(network.eval(), torch.from_numpy(prepared))


def _last_of(finished: Path) -> Path:
    """Return the path of the last checkpoint of an unfinished phase."""
    return finished.with_suffix("") / LAST_CHECKPOINT


def _run_phase(
    module: ExpressionModule,
    faces: TrainingFaces,
    finished: Path,
    revision: str,
    *,
    show_progress: bool,
    on_epoch: Callable[[str], None],
) -> None:
    """Train one phase and save the network of its best epoch."""
    recipe, phase, phase_dir = module.recipe, module.phase, finished.with_suffix("")
    last = _last_of(finished)
    if last.exists():
        # Lightning loads it after the features of a frozen backbone are computed.
        module.network.load_state_dict(averaged_state(last))
    train_batches, val_batches = _batches(module, faces)
    callbacks = [
        _SetEpoch(train_batches),
        *epoch_callbacks(
            phase_dir,
            recipe.schedule.ema_decay,
            monitor="val_accuracy",
            mode="max",
            show_progress=show_progress,
            on_epoch=on_epoch,
        ),
    ]
    if phase.patience:
        callbacks.append(_Patience("val_accuracy", mode="max", patience=phase.patience))
    trainer = build_trainer(
        recipe.hardware,
        phase_dir,
        callbacks,
        n_epochs=phase.epochs,
        n_batches=len(train_batches),
    )
    with warnings.catch_warnings():
        if phase.learning_stages is not None:
            # Frozen stages stay in evaluation mode, to keep their batch statistics.
            warnings.filterwarnings("ignore", "Found .* module.* in eval mode at the start")
        trainer.fit(module, train_batches, val_batches, ckpt_path=last if last.exists() else None)
    if trainer.is_global_zero:
        state = averaged_state(phase_dir / BEST_CHECKPOINT)
        save_checkpoint(finished, recipe, [state], revision)
    trainer.strategy.barrier()


def _batches(module: ExpressionModule, faces: TrainingFaces) -> tuple[FaceBatches, FaceBatches]:
    recipe, network = module.recipe, module.network
    batch_size = recipe.schedule.batch_size
    features: tuple[Tensor | None, Tensor | None] = None, None
    if module.phase.learning_stages == 0:
        # Only the head learns, so the backbone runs once instead of every epoch.
        mirror = recipe.augment.flip > 0
        features = (
            pooled_features(network, faces.training.images, module.spec, mirror=mirror),
            pooled_features(network, faces.validation.images, module.spec, mirror=False),
        )
    return (
        FaceBatches(
            faces.training,
            batch_size,
            seed=module.seed,
            training=faces,
            features=features[0],
        ),
        FaceBatches(faces.validation, 2 * batch_size, features=features[1]),
    )


def _finish(
    recipe: Recipe,
    run_dir: Path,
    chosen: Sequence[Path],
    members: Sequence[ExpressionNetwork],
    faces: TrainingFaces,
) -> FitResult:
    """Write the final checkpoint, its metrics and the learning curve."""
    checkpoints = [load_checkpoint(path) for path in chosen]
    own = [checkpoint.networks[0] for checkpoint in checkpoints]
    networks = [*members, *own]
    best = run_dir / BEST_CHECKPOINT
    measured = validation_metrics(recipe, networks, faces.validation)
    if is_main_process():
        states = [network.state_dict() for network in networks]
        save_checkpoint(best, recipe, states, checkpoints[-1].code_revision)
        write_run_report(run_dir, measured, faces)
    return FitResult(best, measured.metrics.accuracy)
