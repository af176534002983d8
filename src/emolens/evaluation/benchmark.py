"""Evaluation of models on labelled faces, which are read in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.classification import OnnxEmotionClassifier, TenViewClassifier
from emolens.core.errors import DatasetError
from emolens.core.ports import EmotionClassifier
from emolens.core.progress import Progress, silently
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.group_labels import GroupLabels, read_group_labels
from emolens.datasets.loading import (
    Framer,
    folders_of_split,
    held_out_split,
    load_faces,
    load_splits,
    no_faces_of,
    take_whole,
)
from emolens.datasets.targets import Target, with_targets
from emolens.evaluation.by_group import ByGroup, metrics_by_group
from emolens.evaluation.comparison import compare
from emolens.evaluation.detection import (
    DetectionMetrics,
    detection_metrics,
    image_hits,
    rows_with_face,
)
from emolens.evaluation.evaluation import Evaluation, evaluate
from emolens.evaluation.leaks import Leaks, find_leaks
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions, predict

# Near-duplicates are detected at FER2013's size, independently of the input size of a model.
_DUPLICATE_SIZE_PX = 48


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """Labelled faces in memory for the evaluation of models; built by `read_benchmark`.

    Attributes:
        source: Source of the faces.
        split: Split of the faces; None for faces without a split.
        target: Ground truth: the source's labels, or a target from the votes of raters.
        by_size: Faces with a target, by their side in pixels. If faces were detected, images
            without a face are among them, whole.
        training: `train` rows of the models, 48 px, or None.
        training_source: Source of these rows.
        groups: Groups of the faces, or None.
        split_folders: Names of the folders of the split in the source, if it has class folders.
    """

    source: Path
    split: Split | None
    target: Target = Target.LABEL
    by_size: Mapping[int, FaceSet] = field(default_factory=dict)
    training: FaceSet | None = None
    training_source: Path | None = None
    groups: GroupLabels | None = None
    split_folders: tuple[str, ...] = ()

    @property
    def split_text(self) -> str | None:
        """The split with the name that its folder has: "validation (folder val)"."""
        if self.split is None or self.split_folders in {(), (self.split.value,)}:
            return self.split
        return f"{self.split} (folder {', '.join(self.split_folders)})"

    def faces(self, classifier: EmotionClassifier) -> FaceSet:
        """Return the faces at the input size of a classifier."""
        return self.by_size[classifier.input_spec.size_px]

    def leaks(self, progress: Progress = silently) -> Leaks:
        """Detect near-duplicates among the faces and between them and the training rows."""
        faces, rows = self.by_size[_DUPLICATE_SIZE_PX], self.training
        with progress("detecting near-duplicates", len(faces) + (len(rows) if rows else 0)) as done:
            return find_leaks(faces, rows, done)


def read_benchmark(
    source: Path,
    split: Split | None = None,
    *,
    sizes_px: Sequence[int],
    training: Path | None = None,
    has_leaks: bool = True,
    target: Target = Target.LABEL,
    framer: Framer = take_whole,
    group: str | None = None,
) -> Benchmark:
    """Read the faces of a split and the training rows, each source in one pass.

    Without `split`, an additional pass determines the held-out split. Rows of other splits are not
    read.

    Args:
        source: Any source that `datasets.loading` reads.
        split: Split of the faces; None selects the held-out split.
        sizes_px: Input sides of the models, in pixels.
        training: Source of the training rows; by default `source`, if it has any.
        has_leaks: Whether near-duplicates in the training rows will be detected. Otherwise no
            training row is read.
        target: Ground truth.
        framer: Crops the face of every image of `source`; by default the images are face crops.
            The rows of `training` are crops in any case, as its model was trained on them.
        group: Column that divides the faces into groups, or None.

    Raises:
        DatasetError: A source violates its format, has no such faces, no votes for the target, or
            no such column.
    """
    groups = read_group_labels(source, group) if group else None
    chosen = split or held_out_split(source)
    has_own_rows = has_leaks and training is None and chosen not in {None, Split.TRAIN}
    sides = {*sizes_px, _DUPLICATE_SIZE_PX}
    by_split = load_splits(
        source,
        lambda found: sides if found == chosen else {_DUPLICATE_SIZE_PX},
        split=frozenset({chosen, Split.TRAIN}) if chosen and has_own_rows else chosen,
        framer=framer,
    )
    if chosen and chosen not in by_split:
        raise no_faces_of(source, chosen)
    rows = None
    if training:
        rows = load_faces(training, Split.TRAIN, size_px=_DUPLICATE_SIZE_PX)
    elif has_own_rows and Split.TRAIN in by_split:
        training, rows = source, by_split[Split.TRAIN][_DUPLICATE_SIZE_PX]
    faces = {
        size_px: _targeted(source, by_split[chosen][size_px], target) for size_px in sorted(sides)
    }
    _check_faces(source, faces[_DUPLICATE_SIZE_PX])
    folders = folders_of_split(source, chosen) if chosen else ()
    return Benchmark(source, chosen, target, faces, rows, training, groups, folders)


def _check_faces(source: Path, faces: FaceSet) -> None:
    if len(faces) and not len(rows_with_face(faces)):
        raise DatasetError(
            f"{source}: no face was detected in any of {len(faces):,} images. If the images are "
            "face crops, omit --detect (detect=True)."
        )


def _targeted(source: Path, faces: FaceSet, target: Target) -> FaceSet:
    try:
        return with_targets(faces, target).faces
    except DatasetError as error:
        raise DatasetError(f"{source}: {error}") from error


def evaluate_model(
    classifier: OnnxEmotionClassifier,
    benchmark: Benchmark,
    *,
    leaks: Leaks | None = None,
    tta: bool = False,
    rival: OnnxEmotionClassifier | None = None,
    progress: Progress = silently,
) -> Evaluation:
    """Evaluate a model.

    Args:
        classifier: The model.
        benchmark: Labelled faces, read at the input sizes of both models.
        leaks: Near-duplicates among the faces and in the training rows; by default detected here.
        tta: Whether to average ten views (test-time augmentation). The model is then evaluated with
            one view too.
        rival: Another model to compare with, or None.
        progress: Progress of the evaluation.

    Raises:
        ModelError: A model returned numbers that are not finite.
    """
    of_images = leaks or benchmark.leaks(progress)
    images = benchmark.faces(classifier)
    rows = rows_with_face(images)
    leaks, faces = of_images.take(rows), _with_face(images, rows)
    predictions = _predict(classifier, faces, progress, tta=tta)
    temperature = None if tta else classifier.manifest.temperature
    evaluation = replace(
        evaluate(predictions, faces, leaks, temperature),
        detection=_detection(predictions, images, rows, of_images),
        by_group=_by_group(benchmark.groups, predictions, images, rows, of_images),
    )
    if tta:
        one_view = _predict(classifier, faces, progress, tta=False)
        evaluation = replace(
            evaluation,
            one_view=compute_metrics(one_view, leaks.groups),
            views=compare(one_view, predictions, leaks.groups),
        )
    if rival:
        theirs = _with_face(benchmark.faces(rival), rows)
        others = _predict(rival, theirs, progress, tta=tta)
        evaluation = replace(
            evaluation,
            rival=compute_metrics(others, leaks.groups),
            comparison=compare(predictions, others, leaks.groups),
        )
    return evaluation


def _with_face(images: FaceSet, rows: npt.NDArray[np.int64]) -> FaceSet:
    # Taking all rows would copy the images.
    return images if images.detected is None else images.take(rows)


def _detection(
    predictions: Predictions, images: FaceSet, rows: npt.NDArray[np.int64], leaks: Leaks
) -> DetectionMetrics | None:
    if images.detected is None:
        return None
    hits = image_hits(predictions, rows, len(images))
    return detection_metrics(images.detected, hits, leaks.groups)


def _by_group(
    groups: GroupLabels | None,
    predictions: Predictions,
    images: FaceSet,
    rows: npt.NDArray[np.int64],
    leaks: Leaks,
) -> ByGroup | None:
    if groups is None:
        return None
    names = [groups.of(location) for location in images.locations]
    return metrics_by_group(
        groups.column,
        names,
        predictions,
        rows,
        duplicates=leaks.groups,
        detected=images.detected,
    )


def _predict(
    classifier: OnnxEmotionClassifier, faces: FaceSet, progress: Progress, *, tta: bool
) -> Predictions:
    name = classifier.manifest.name + (", ten views" if tta else "")
    with progress(name, len(faces)) as done:
        return predict(TenViewClassifier(classifier) if tta else classifier, faces, done)
