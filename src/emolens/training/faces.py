"""Training and validation faces of all data sections of a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS, N_EMOTIONS
from emolens.core.errors import ConfigError, DatasetError
from emolens.datasets.cleaning import DropRule, pixel_digests
from emolens.datasets.faces import FaceSet, Split, join_faces
from emolens.datasets.targets import Target
from emolens.datasets.votes import vote_shares
from emolens.training.recipe import DataSection, Recipe
from emolens.training.sources import (
    SourceFaces,
    digests_of_test_split,
    load_source,
    load_source_validation,
)

LEAKS_ACROSS = "leaks_across_sources"
_SAMPLING_POWERS = {"uniform": 0.0, "sqrt": -0.5, "balanced": -1.0}


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Counts of the faces of one source.

    Attributes:
        name: Name of the section.
        n_training: Training faces.
        n_validation: Validation faces.
        n_dropped: Training faces dropped by each rule. `clean` is the file of rows. `no_target_...`
            are faces whose raters do not agree enough. `leaks_across_sources` are faces in the
            validation or test split of another source.
        n_left_out: Faces of other classes than the seven, by class.
        n_damaged: Damaged faces.
        damaged: Errors of the first damaged faces.
        warnings: Assumptions, such as the order of numeric labels.
    """

    name: str
    n_training: int
    n_validation: int
    n_dropped: dict[str, int]
    n_left_out: dict[str, int]
    n_damaged: int
    damaged: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingFaces:
    """Training and validation faces of a run.

    Attributes:
        training: Training faces, source by source.
        targets: float32 (N, 7), smoothed target probabilities times the weight of the source. The
            mean weight over the drawn faces is 1.
        vote_shares: float32 (N, 10), shares of FER+'s votes, zeros for a face without votes; (N, 0)
            if no face has votes.
        teacher_weights: float32 (N,), fraction of each target that comes from the teachers, if
            they predict faces.
        is_choice: bool (N,), whether each of the classes with the highest target is correct.
        chances: float32 (N,), relative sampling weight of each face; None if every face is drawn
            once per epoch.
        n_draws: Faces per epoch.
        class_counts: int64 (7,), faces of each class per epoch, before classes are balanced.
        validation: Validation faces, source by source.
        sources: Counts of each source, in the order of the recipe.
    """

    training: FaceSet
    targets: npt.NDArray[np.float32]
    vote_shares: npt.NDArray[np.float32]
    teacher_weights: npt.NDArray[np.float32]
    is_choice: npt.NDArray[np.bool_]
    chances: npt.NDArray[np.float32] | None
    n_draws: int
    class_counts: npt.NDArray[np.int64]
    validation: FaceSet
    sources: tuple[SourceCounts, ...]

    @property
    def n_dropped(self) -> dict[str, int]:
        """Training faces dropped by each rule, over all sources."""
        total: dict[str, int] = {}
        for source in self.sources:
            for rule, n_faces in source.n_dropped.items():
                total[rule] = total.get(rule, 0) + n_faces
        return total


def load_training_faces(recipe: Recipe) -> TrainingFaces:
    """Read the `train` and `validation` faces of a recipe, of its classes.

    With several sources, training faces in the validation or test split of another source are
    dropped.

    Raises:
        ConfigError: A class has no training face, no class has a validation face, an epoch has
            fewer faces than a batch, or the recipe needs votes and the faces have none.
        DatasetError: The data cannot be read, a split is empty or becomes empty, or the file of
            rows to drop belongs to other data.
    """
    loaded = [load_source(section, recipe.data_size_px) for section in recipe.data]
    # Conflicting labels are detected before faces of other classes are dropped.
    parts = [_of_classes(part, recipe) for part in _without_leaks_across(loaded, recipe)]
    training = join_faces([part.training for part in parts])
    _check_classes(training, recipe)
    if recipe.loss.vote_weight and training.votes is None:
        raise ConfigError(
            f"loss.vote_weight is {recipe.loss.vote_weight}, but {_places(recipe)} has no FER+ "
            "votes. Set it to 0, or use a source with the ferplus_* columns."
        )
    repeats = _per_face(parts, [section.repeat for section in recipe.data])
    n_draws = round(float(repeats.sum()))
    if n_draws < recipe.schedule.batch_size:
        raise ConfigError(
            f"schedule.batch_size is {recipe.schedule.batch_size}, but an epoch has only "
            f"{n_draws} training faces. Use a smaller batch_size."
        )
    drawn = np.bincount(training.labels, weights=repeats, minlength=N_EMOTIONS)
    chances = (
        repeats * np.maximum(drawn, 1)[training.labels] ** _SAMPLING_POWERS[recipe.faces.sampling]
    )
    return TrainingFaces(
        training=training,
        targets=_targets(parts, recipe, chances),
        vote_shares=shares_of(training),
        teacher_weights=_per_face(
            parts, [_teacher_weight(section, recipe) for section in recipe.data]
        ).astype(np.float32),
        is_choice=_per_face(parts, [one.target is Target.MULTI for one in recipe.data]) > 0,
        chances=None if (chances == 1).all() else chances.astype(np.float32),
        n_draws=n_draws,
        class_counts=np.rint(drawn).astype(np.int64),
        validation=_joined_validation([part.validation for part in parts], recipe),
        sources=tuple(_counts(part) for part in parts),
    )


def load_validation_faces(recipe: Recipe) -> FaceSet:
    """Read the validation faces of a recipe, of its classes, source by source.

    Raises:
        ConfigError: No face is of the recipe's classes.
        DatasetError: The data cannot be read, or the split is empty.
    """
    parts = [load_source_validation(section, recipe.data_size_px) for section in recipe.data]
    return _joined_validation([_faces_of_classes(part, recipe) for part in parts], recipe)


def _joined_validation(parts: Sequence[FaceSet], recipe: Recipe) -> FaceSet:
    faces = join_faces(parts)
    if not len(faces):
        raise ConfigError(
            f"faces.classes: {_places(recipe)} has no {Split.VALIDATION} face of the classes "
            f"{', '.join(recipe.faces.classes)}"
        )
    return faces


def _without_leaks_across(loaded: list[SourceFaces], recipe: Recipe) -> list[SourceFaces]:
    """Drop training faces with the same pixels as a held-out face of another source."""
    if len(loaded) == 1:
        return loaded
    held_out = [
        part.held_out | digests_of_test_split(part.section, recipe.data_size_px) for part in loaded
    ]
    kept = []
    for number, part in enumerate(loaded):
        others = frozenset[bytes]().union(*held_out[:number], *held_out[number + 1 :])
        digests = pixel_digests(part.training.images)
        is_leak = np.array([digest in others for digest in digests], np.bool_)
        if is_leak.any() and DropRule.LEAKS in part.section.refuse:
            raise DatasetError(
                f"{part.section.name} ({part.section.source}): {is_leak.sum()} training faces are "
                "in the validation or test split of another source, such as "
                f"{part.training.locations[is_leak.argmax()]}. Delete them, or drop them by "
                "removing leaks from refuse."
            )
        n_dropped = {**part.n_dropped, LEAKS_ACROSS: int(is_leak.sum())}
        kept.append(replace(part.take(np.flatnonzero(~is_leak)), n_dropped=n_dropped))
    return kept


def _of_classes(part: SourceFaces, recipe: Recipe) -> SourceFaces:
    rows = np.flatnonzero(np.isin(part.training.labels, recipe.class_indices))
    return replace(part.take(rows), validation=_faces_of_classes(part.validation, recipe))


def _faces_of_classes(faces: FaceSet, recipe: Recipe) -> FaceSet:
    return faces.take(np.flatnonzero(np.isin(faces.labels, recipe.class_indices)))


def _targets(
    parts: Sequence[SourceFaces], recipe: Recipe, chances: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Compute smoothed targets (N, 7) times weights whose mean over the drawn faces is 1."""
    is_class = np.isin(np.arange(N_EMOTIONS), recipe.class_indices)
    shares = np.concatenate([part.shares for part in parts]) * is_class
    shares /= shares.sum(axis=1, keepdims=True)
    smoothing = _per_face(parts, [_smoothing(section, recipe) for section in recipe.data])[:, None]
    smoothed = shares * (1 - smoothing) + smoothing * is_class / is_class.sum()
    weights = _per_face(parts, [section.weight for section in recipe.data])
    weights *= chances.sum() / (weights * chances).sum()
    return np.asarray(smoothed * weights[:, None], np.float32)


def _smoothing(section: DataSection, recipe: Recipe) -> float:
    own = section.label_smoothing
    return recipe.loss.label_smoothing if own is None else own


def _teacher_weight(section: DataSection, recipe: Recipe) -> float:
    if section.teacher_weight is not None or recipe.teacher is None:
        return section.teacher_weight or 0.0
    return recipe.teacher.weight


def shares_of(faces: FaceSet) -> npt.NDArray[np.float32]:
    """Compute the shares of FER+'s votes, float32 (N, 10), or (N, 0) if no face has votes."""
    if faces.votes is None:
        return np.empty((len(faces), 0), np.float32)
    return vote_shares(faces.votes)


def _per_face(parts: Sequence[SourceFaces], values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Repeat a value of each source for its training faces, float64 (N,)."""
    return np.repeat(np.array(values, np.float64), [len(part.training) for part in parts])


def _counts(part: SourceFaces) -> SourceCounts:
    return SourceCounts(
        part.section.name,
        len(part.training),
        len(part.validation),
        part.n_dropped,
        dict(part.report.left_out),
        part.report.n_damaged,
        tuple(part.report.damaged),
        tuple(part.report.warnings),
    )


def _check_classes(training: FaceSet, recipe: Recipe) -> None:
    counts = training.class_counts
    missing = [LABELS[index] for index in recipe.class_indices if not counts[index]]
    if missing:
        present = [label for label in recipe.faces.classes if label not in missing]
        raise ConfigError(
            f"{_places(recipe)} has no training face of {', '.join(missing)}; "
            f"set faces.classes = {present}"
        )


def _places(recipe: Recipe) -> str:
    return ", ".join(str(section.source) for section in recipe.data)
