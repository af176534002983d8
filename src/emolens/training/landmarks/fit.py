"""Training of a landmark recipe: read images, run the teachers, train and validate."""

import io
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from pydantic import ValidationError

from emolens.core.errors import ConfigError, DatasetError
from emolens.core.progress import Progress, say_nothing, silently
from emolens.imaging.crop import resize_gray_square
from emolens.storage.files import write_bytes
from emolens.training.checkpoint import averaged_state
from emolens.training.landmarks.checkpoint import load_landmarks, save_landmarks
from emolens.training.landmarks.images import load_backgrounds, load_images
from emolens.training.landmarks.module import LandmarkModule
from emolens.training.landmarks.network import LandmarkNetwork
from emolens.training.landmarks.recipe import ImagesSection, LandmarkRecipe
from emolens.training.landmarks.teaching import Taught, teach
from emolens.training.landmarks.views import FaceBatch
from emolens.training.recipe_file import differing_keys, explain, read_toml, to_toml
from emolens.training.revision import code_revision
from emolens.training.trainer import (
    BEST_CHECKPOINT,
    LAST_CHECKPOINT,
    build_trainer,
    epoch_callbacks,
    flushing_denormals,
    without_chatter,
    writing_to,
)

RESOLVED_RECIPE: Final = "recipe.toml"
_TEACHING: Final = "teaching.npz"
_BATCH_STEP: Final = 1_000_003
# A resumed run may have other paths and devices.
_MAY_CHANGE: Final[Any] = {
    "images": {"__all__": {"source"}},
    "validation": {"__all__": {"source"}},
    "backgrounds": True,
    "hardware": True,
}


@dataclass(frozen=True, slots=True)
class LandmarkFit:
    """The result of a run.

    Attributes:
        best: Checkpoint of the trained network, for `emolens export`.
        val_error: Mean landmark error of one pass, in distances between the eyes.
    """

    best: Path
    val_error: float


@dataclass(frozen=True, slots=True, eq=False)
class _TaughtImages:
    """Images that the teachers agree on, with their sampling weights."""

    faces: FaceBatch
    chances: torch.Tensor

    def __len__(self) -> int:
        return len(self.faces.images)


class _Batches:
    """Batches whose order depends on seed and epoch alone; in original order without a seed."""

    def __init__(self, taught: _TaughtImages, batch_size: int, *, seed: int | None = None) -> None:
        self.taught = taught
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        n_faces = len(self.taught) if self.seed is None else round(float(self.taught.chances.sum()))
        return (
            max(n_faces // self.batch_size, 1)
            if self.seed is not None
            else -(-n_faces // self.batch_size)
        )

    def __iter__(self) -> Iterator[FaceBatch]:
        order = torch.arange(len(self.taught))
        if self.seed is not None:
            generator = torch.Generator().manual_seed(self.seed * _BATCH_STEP + self.epoch)
            order = torch.multinomial(
                self.taught.chances,
                len(self) * self.batch_size,
                replacement=True,
                generator=generator,
            )
        for index in range(len(self)):
            rows = order[index * self.batch_size : (index + 1) * self.batch_size]
            yield FaceBatch(*(part[rows] for part in self.taught.faces))


class _SetEpoch(Callback):
    def __init__(self, batches: _Batches) -> None:
        self.batches = batches

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        self.batches.epoch = trainer.current_epoch


def load_landmark_recipe(path: Path, overrides: Sequence[str] = ()) -> LandmarkRecipe:
    """Read a recipe of a landmark network and apply `section.key=value` overrides.

    Raises:
        ConfigError: The recipe is wrong, as in `emolens.training.recipe_file.load_recipe`.
    """
    try:
        return LandmarkRecipe.model_validate(read_toml(path, overrides))
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error, root=LandmarkRecipe)}") from error


def fit_landmarks(
    recipe: LandmarkRecipe,
    run_dir: Path,
    *,
    resume: bool = False,
    show_progress: bool = True,
    on_teaching: Progress = silently,
    on_epoch: Callable[[str], None] = say_nothing,
) -> LandmarkFit:
    """Train a landmark network and write a checkpoint after every epoch.

    Writes `recipe.toml` with every default, the detections of the teachers, a folder `phase-1/`
    etc. with checkpoints and logs (CSV and TensorBoard) of each phase, `phase-1.ckpt` etc. with its
    best network, and finally `best.ckpt`.

    Args:
        recipe: The recipe.
        run_dir: Folder of the run; created if missing.
        resume: Whether to continue from the last checkpoint in the folder.
        show_progress: Whether to draw a progress bar on standard error, if that is a terminal.
        on_teaching: Progress of the teachers' detections.
        on_epoch: Called with one line per epoch, without a progress bar.

    Raises:
        ConfigError: There is no run to resume, the recipe differs from that of the run, or the
            folder holds a run and `resume` is off.
        DatasetError: Images cannot be read, or the teachers detect no face in them.
        ModelError: A teacher is not installed.
        OutputError: The folder is not writable, or the disk is full.
    """
    _check_folder(recipe, run_dir, resume=resume)
    revision = code_revision()
    write_bytes(run_dir / RESOLVED_RECIPE, to_toml(recipe).encode())
    training, validation = (
        _taught_images(recipe, sections, run_dir / f"{split}-{_TEACHING}", on_teaching)
        for split, sections in (("training", recipe.images), ("validation", recipe.validation))
    )
    pl.seed_everything(recipe.seed, verbose=False)
    backgrounds = torch.from_numpy(
        load_backgrounds(recipe.backgrounds, recipe.network.size_px, recipe.seed)
    )[:, None]
    network = LandmarkNetwork(recipe.network)
    finished = [run_dir / f"phase-{index + 1}.ckpt" for index in range(len(recipe.phases))]
    with without_chatter(), flushing_denormals(), writing_to(run_dir):
        for index, path in enumerate(finished):
            if not path.exists():
                module = LandmarkModule(recipe, index, network, backgrounds)
                val_error = _train(
                    module,
                    training,
                    validation,
                    path,
                    show_progress=show_progress,
                    on_epoch=on_epoch,
                )
                state = averaged_state(path.with_suffix("") / BEST_CHECKPOINT)
                save_landmarks(path, recipe, state, {"val_error": val_error}, revision)
            network = load_landmarks(path).network
    best = run_dir / BEST_CHECKPOINT
    write_bytes(best, finished[-1].read_bytes())
    return LandmarkFit(best, load_landmarks(best).metrics["val_error"])


def _check_folder(recipe: LandmarkRecipe, run_dir: Path, *, resume: bool) -> None:
    resolved = run_dir / RESOLVED_RECIPE
    if not resume:
        if resolved.exists():
            raise ConfigError(
                f"{run_dir}: already holds a run. Resume it, or choose another folder."
            )
        return
    if not resolved.exists():
        raise ConfigError(f"{run_dir}: no run to resume; {RESOLVED_RECIPE} is missing")
    begun = load_landmark_recipe(resolved)
    old, new = (part.model_dump(mode="json", exclude=_MAY_CHANGE) for part in (begun, recipe))
    differing = differing_keys(old, new)
    if differing:
        raise ConfigError(
            f"{run_dir}: the run has another recipe: {', '.join(differing)}. Resume it with "
            f"{shlex.quote(str(resolved))}, or choose another folder."
        )


def _taught_images(
    recipe: LandmarkRecipe,
    sections: Sequence[ImagesSection],
    cache: Path,
    on_teaching: Progress,
) -> _TaughtImages:
    """Read images and the teachers' detections, which are computed once per run."""
    parts = [load_images(section) for section in sections]
    chances = [
        np.full(len(part), section.repeat) for part, section in zip(parts, sections, strict=True)
    ]
    images = [image for part in parts for image in part]
    if cache.exists():
        with np.load(cache) as saved:
            taught = Taught(saved["rows"], saved["landmarks"], saved["boxes"])
    else:
        with on_teaching(f"teachers, {cache.name.partition('-')[0]}", len(images)) as advance:
            taught = teach(images, recipe.teachers, advance)
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, rows=taught.rows, landmarks=taught.landmarks, boxes=taught.boxes
        )
        write_bytes(cache, buffer.getvalue())
    if not len(taught.rows):
        raise DatasetError(
            f"{sections[0].source}: the teachers agree on no face in {len(images):,} images. Use "
            "images of one face each."
        )
    # A close-up is hardly wider than an image, so images of its side keep all details.
    side = recipe.network.size_px
    kept = np.stack([resize_gray_square(images[row], side) for row in taught.rows])
    faces = FaceBatch(
        torch.from_numpy(kept)[:, None],
        torch.from_numpy(taught.landmarks),
        torch.from_numpy(taught.boxes),
    )
    return _TaughtImages(faces, torch.from_numpy(np.concatenate(chances)[taught.rows]))


def _train(
    module: LandmarkModule,
    training: _TaughtImages,
    validation: _TaughtImages,
    finished: Path,
    *,
    show_progress: bool,
    on_epoch: Callable[[str], None],
) -> float:
    """Train one phase, or the rest of it, and return the smallest validation error."""
    schedule, folder = module.recipe.schedule, finished.with_suffix("")
    batches = _Batches(training, schedule.batch_size, seed=module.seed)
    callbacks = epoch_callbacks(
        folder,
        schedule.ema_decay,
        monitor="val_error",
        mode="min",
        show_progress=show_progress,
        on_epoch=on_epoch,
    )
    trainer = build_trainer(
        module.recipe.hardware,
        folder,
        [_SetEpoch(batches), *callbacks],
        n_epochs=module.phase.epochs,
        n_batches=len(batches),
    )
    last = folder / LAST_CHECKPOINT
    measured = _Batches(validation, schedule.batch_size)
    module.network.train()
    trainer.fit(module, batches, measured, ckpt_path=last if last.exists() else None)
    best = trainer.checkpoint_callback.best_model_score  # type: ignore[union-attr]  # the trainer has one
    return float(best)
