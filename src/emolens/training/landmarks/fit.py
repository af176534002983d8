"""Run a recipe of a landmark network: read images, ask the teachers, train, measure."""

import io
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from pydantic import ValidationError

from emolens.core.errors import ConfigError, DatasetError
from emolens.core.progress import Progress, silently
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
# Where the images lie and what the run uses may change between its parts.
_MAY_CHANGE: Final[Any] = {
    "images": {"__all__": {"source"}},
    "validation": {"__all__": {"source"}},
    "backgrounds": True,
    "hardware": True,
}


@dataclass(frozen=True, slots=True)
class LandmarkFit:
    """What a run gave.

    Attributes:
        best: The finished network, for `emolens export`.
        val_error: Mean error of the landmarks of one look, in distances between the eyes.
    """

    best: Path
    val_error: float


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """The images that the teachers agree on, and how often each is drawn in an epoch."""

    faces: FaceBatch
    chances: torch.Tensor

    def __len__(self) -> int:
        return len(self.faces.images)


class _Batches:
    """Batches in an order that follows from seed and epoch alone; in order without a seed."""

    def __init__(self, lesson: _Lesson, batch_size: int, *, seed: int | None = None) -> None:
        self.lesson = lesson
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        n_faces = len(self.lesson) if self.seed is None else round(float(self.lesson.chances.sum()))
        return (
            max(n_faces // self.batch_size, 1)
            if self.seed is not None
            else -(-n_faces // self.batch_size)
        )

    def __iter__(self) -> Iterator[FaceBatch]:
        order = torch.arange(len(self.lesson))
        if self.seed is not None:
            generator = torch.Generator().manual_seed(self.seed * _BATCH_STEP + self.epoch)
            order = torch.multinomial(
                self.lesson.chances,
                len(self) * self.batch_size,
                replacement=True,
                generator=generator,
            )
        for index in range(len(self)):
            rows = order[index * self.batch_size : (index + 1) * self.batch_size]
            yield FaceBatch(*(part[rows] for part in self.lesson.faces))


class _TellEpoch(Callback):
    def __init__(self, batches: _Batches) -> None:
        self.batches = batches

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        self.batches.epoch = trainer.current_epoch


def load_landmark_recipe(path: Path, overrides: Sequence[str] = ()) -> LandmarkRecipe:
    """Read a recipe of a landmark network and apply `section.key=value` overrides.

    Raises:
        ConfigError: As `emolens.training.recipe_file.load_recipe` does.
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
) -> LandmarkFit:
    """Train a landmark network, writing a checkpoint after every epoch.

    The folder gets `recipe.toml` with every default, the answers of the teachers, `phase-1/` and so
    on with checkpoints and logs (CSV and TensorBoard) of each phase, `phase-1.ckpt` and so on with
    its best network, and at the end `best.ckpt`.

    Args:
        recipe: What to train.
        run_dir: The folder of the run; made if missing.
        resume: Go on from the folder's last checkpoint.
        show_progress: Whether to draw a progress bar on standard error, if that is a terminal.
        on_teaching: Called with a description and the number of images before the teachers are
            asked about them; gives a context with what is called with the number done so far.

    Raises:
        ConfigError: Nothing to resume, another recipe than the run was begun with, or a folder that
            holds a run while `resume` is off.
        DatasetError: Images cannot be read, or the teachers see no face in any of them.
        ModelError: A teacher is not installed.
        OutputError: The folder cannot be written to, or the disk is full.
    """
    _check_folder(recipe, run_dir, resume=resume)
    revision = code_revision()
    write_bytes(run_dir / RESOLVED_RECIPE, to_toml(recipe).encode())
    training, validation = (
        _lesson(recipe, sections, run_dir / f"{what}-{_TEACHING}", on_teaching)
        for what, sections in (("training", recipe.images), ("validation", recipe.validation))
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
                val_error = _train(module, training, validation, path, show_progress=show_progress)
                state = averaged_state(path.with_suffix("") / BEST_CHECKPOINT)
                save_landmarks(path, recipe, state, {"val_error": val_error}, revision)
            network = load_landmarks(path).network
    best = run_dir / BEST_CHECKPOINT
    write_bytes(best, finished[-1].read_bytes())
    return LandmarkFit(best, load_landmarks(best).figures["val_error"])


def _check_folder(recipe: LandmarkRecipe, run_dir: Path, *, resume: bool) -> None:
    resolved = run_dir / RESOLVED_RECIPE
    if not resume:
        if resolved.exists():
            raise ConfigError(f"{run_dir}: already holds a run; resume it or choose another folder")
        return
    if not resolved.exists():
        raise ConfigError(f"{run_dir}: no {RESOLVED_RECIPE}, so there is no run to resume")
    begun = load_landmark_recipe(resolved)
    old, new = (part.model_dump(mode="json", exclude=_MAY_CHANGE) for part in (begun, recipe))
    differing = differing_keys(old, new)
    if differing:
        raise ConfigError(
            f"{run_dir}: the run was begun with another recipe: {', '.join(differing)}; resume it "
            f"with {shlex.quote(str(resolved))}, or choose another folder"
        )


def _lesson(
    recipe: LandmarkRecipe,
    sections: Sequence[ImagesSection],
    cache: Path,
    on_teaching: Progress,
) -> _Lesson:
    """Read images and what the teachers say of them, which is asked for once in a run."""
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
            f"the teachers see no face in any of {len(images):,} images, such as those of "
            f"{sections[0].source}; give images of one face each"
        )
    # A close-up is hardly wider than an image, so that an image of its side holds all it shows.
    side = recipe.network.size_px
    kept = np.stack([resize_gray_square(images[row], side) for row in taught.rows])
    faces = FaceBatch(
        torch.from_numpy(kept)[:, None],
        torch.from_numpy(taught.landmarks),
        torch.from_numpy(taught.boxes),
    )
    return _Lesson(faces, torch.from_numpy(np.concatenate(chances)[taught.rows]))


def _train(
    module: LandmarkModule,
    training: _Lesson,
    validation: _Lesson,
    finished: Path,
    *,
    show_progress: bool,
) -> float:
    """Train one phase, or the rest of it, and give the smallest validation error."""
    schedule, folder = module.recipe.schedule, finished.with_suffix("")
    batches = _Batches(training, schedule.batch_size, seed=module.seed)
    callbacks = epoch_callbacks(
        folder, schedule.ema_decay, monitor="val_error", mode="min", show_progress=show_progress
    )
    trainer = build_trainer(
        module.recipe.hardware,
        folder,
        [_TellEpoch(batches), *callbacks],
        n_epochs=module.phase.epochs,
        n_batches=len(batches),
    )
    last = folder / LAST_CHECKPOINT
    measured = _Batches(validation, schedule.batch_size)
    module.network.train()
    trainer.fit(module, batches, measured, ckpt_path=last if last.exists() else None)
    best = trainer.checkpoint_callback.best_model_score  # type: ignore[union-attr]
    return float(best)
