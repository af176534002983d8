"""The faces of a recipe, checked against what the recipe asks of them."""

from dataclasses import dataclass

import numpy as np

from emolens.core.emotion import LABELS
from emolens.core.errors import ConfigError
from emolens.datasets.clean_file import COMPARED_SIZE_PX, rows_left_out
from emolens.datasets.cleaning import drop_faces
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import load_faces
from emolens.training.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFaces:
    """What a run learns from and what it is measured on.

    Attributes:
        training: The faces to learn from.
        validation: The faces to measure on.
        n_dropped: Training faces that each rule of the recipe named; `clean` is its file of rows.
    """

    training: FaceSet
    validation: FaceSet
    n_dropped: dict[str, int]


def load_training_faces(recipe: Recipe) -> TrainingFaces:
    """Read the `Training` and `PublicTest` faces that a recipe names, of its classes.

    Raises:
        ConfigError: A class without training faces, fewer faces than one batch, or no votes where
            the recipe learns from them.
        DatasetError: The data cannot be read, a split is empty, nothing is left of it, or the file
            of rows to leave out was made for other data.
    """
    source = recipe.data.source
    validation = load_validation_faces(recipe)
    cleaned, n_cleaned = _without_listed_rows(recipe)
    # Faces of other classes go last: a conflict with one of them is a conflict.
    kept, n_dropped = drop_faces(cleaned, recipe.data.drop, validation)
    training = _of_classes(kept, recipe)
    _check_classes(training, recipe)
    if len(training) < recipe.schedule.batch_size:
        raise ConfigError(
            f"schedule.batch_size is {recipe.schedule.batch_size}, but there are only "
            f"{len(training)} training faces; make the batches smaller"
        )
    if recipe.loss.vote_weight and training.votes is None:
        raise ConfigError(
            f"loss.vote_weight is {recipe.loss.vote_weight}, but {source} has no FER+ votes; set "
            "it to 0 or use a source with the ferplus_* columns"
        )
    named = n_cleaned | {str(rule): n for rule, n in n_dropped.items()}
    return TrainingFaces(training, validation, named)


def load_validation_faces(recipe: Recipe) -> FaceSet:
    """Read the `PublicTest` faces that a recipe names, of its classes.

    Raises:
        ConfigError: None of them is of the recipe's classes.
        DatasetError: The data cannot be read, or the split is empty.
    """
    source = recipe.data.validation or recipe.data.source
    faces = load_faces(source, Split.PUBLIC_TEST, size_px=recipe.data_size_px)
    chosen = _of_classes(faces, recipe)
    if not len(chosen):
        raise ConfigError(
            f"data.classes: {source} has no {Split.PUBLIC_TEST} face of "
            f"{', '.join(recipe.data.classes)}"
        )
    return chosen


def _without_listed_rows(recipe: Recipe) -> tuple[FaceSet, dict[str, int]]:
    """The training faces of all classes without those of `data.clean`, and how many these are."""
    source, size_px = recipe.data.source, recipe.data_size_px
    faces = load_faces(source, Split.TRAINING, size_px=size_px)
    if recipe.data.clean is None:
        return faces, {}
    compared = faces
    if size_px != COMPARED_SIZE_PX:
        compared = load_faces(source, Split.TRAINING, size_px=COMPARED_SIZE_PX)
    left_out = rows_left_out(recipe.data.clean, compared)
    return faces.take(np.delete(np.arange(len(faces)), left_out)), {"clean": len(left_out)}


def _of_classes(faces: FaceSet, recipe: Recipe) -> FaceSet:
    if len(recipe.class_indices) == len(LABELS):
        return faces
    return faces.take(np.flatnonzero(np.isin(faces.labels, recipe.class_indices)))


def _check_classes(training: FaceSet, recipe: Recipe) -> None:
    counts = training.class_counts
    missing = [LABELS[index] for index in recipe.class_indices if not counts[index]]
    if missing:
        present = [label for label in recipe.data.classes if label not in missing]
        raise ConfigError(
            f"{recipe.data.source} has no training face of {', '.join(missing)}; name the classes "
            f"to tell apart: data.classes = {present}"
        )
