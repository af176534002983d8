"""Labelled faces to measure models on, read in one pass, and the measuring itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from emolens.classification import OnnxEmotionClassifier, TenViewClassifier
from emolens.core.errors import DatasetError
from emolens.core.ports import EmotionClassifier
from emolens.core.progress import Progress, silently
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import (
    held_out_split,
    load_faces,
    load_splits,
    no_faces_of,
)
from emolens.datasets.targets import Target, with_targets
from emolens.evaluation.comparison import compare
from emolens.evaluation.evaluation import Evaluation, evaluate
from emolens.evaluation.leaks import Leaks, find_leaks
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions, predict

# Copies are looked for at FER2013's own size, whatever a model reads.
_COPY_SIZE_PX = 48


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """Faces to measure models on, in memory; made by `read_benchmark`.

    Attributes:
        source: Where they are from.
        split: Their split; None for those of no split.
        target: What is right: the source's labels, or what its raters saw.
        by_size: The faces with a target, by the side in pixels that they were brought to.
        training: The `Training` rows that the models have seen, 48 px, or None.
        training_source: Where these are from.
    """

    source: Path
    split: Split | None
    target: Target = Target.LABEL
    by_size: Mapping[int, FaceSet] = field(default_factory=dict)
    training: FaceSet | None = None
    training_source: Path | None = None

    def faces(self, classifier: EmotionClassifier) -> FaceSet:
        """The faces, of the size that a classifier reads."""
        return self.by_size[classifier.input_spec.size_px]

    def leaks(self, progress: Progress = silently) -> Leaks:
        """Copies among the faces and in the training rows."""
        faces, rows = self.by_size[_COPY_SIZE_PX], self.training
        with progress("looking for copies", len(faces) + (len(rows) if rows else 0)) as done:
            return find_leaks(faces, rows, done)


def read_benchmark(
    source: Path,
    split: Split | None = None,
    *,
    sizes_px: Sequence[int],
    training: Path | None = None,
    has_leaks: bool = True,
    target: Target = Target.LABEL,
) -> Benchmark:
    """Read the faces to measure on and the training rows, each source in one pass.

    Where nobody chose a split, a source is looked into before for the one that is held out. Other
    splits are not looked at.

    Args:
        source: Any source that `datasets.loading` reads.
        split: Their split; None takes the one held out.
        sizes_px: Sides that the models read, in pixels.
        training: Where the training rows are; None takes those of the source itself, if any.
        has_leaks: Whether copies in the training rows will be looked for. If not, no training row
            is read.
        target: What is right.

    Raises:
        DatasetError: A source breaks its format, has no such faces, or no votes where the target is
            taken from these.
    """
    chosen = split or held_out_split(source)
    has_own_rows = has_leaks and training is None and chosen not in {None, Split.TRAIN}
    wanted = {*sizes_px, _COPY_SIZE_PX}
    by_split = load_splits(
        source,
        lambda found: wanted if found == chosen else {_COPY_SIZE_PX},
        split=frozenset({chosen, Split.TRAIN}) if chosen and has_own_rows else chosen,
    )
    if chosen and chosen not in by_split:
        raise no_faces_of(source, chosen)
    rows = None
    if training:
        rows = load_faces(training, Split.TRAIN, size_px=_COPY_SIZE_PX)
    elif has_own_rows and Split.TRAIN in by_split:
        training, rows = source, by_split[Split.TRAIN][_COPY_SIZE_PX]
    faces = {
        size_px: _targeted(source, by_split[chosen][size_px], target) for size_px in sorted(wanted)
    }
    return Benchmark(source, chosen, target, faces, rows, training)


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
    """Measure a model.

    Args:
        classifier: The model.
        benchmark: What to measure it on, read at the sizes of both models.
        leaks: Copies among its faces and in the training rows; looked for unless given.
        tta: Take the mean of ten views as its answer; it is then measured with one view as well.
        rival: Another model to compare it with, or None.
        progress: Shows how far it is; nothing unless given.

    Raises:
        ModelError: A model gave numbers that are not finite.
    """
    leaks = leaks or benchmark.leaks(progress)
    faces = benchmark.faces(classifier)
    answers = _answers(classifier, faces, progress, tta=tta)
    temperature = None if tta else classifier.manifest.temperature
    evaluation = evaluate(answers, faces, leaks, temperature)
    if tta:
        one_view = _answers(classifier, faces, progress, tta=False)
        evaluation = replace(
            evaluation,
            one_view=compute_metrics(one_view, leaks.groups),
            views=compare(one_view, answers, leaks.groups),
        )
    if rival:
        others = _answers(rival, benchmark.faces(rival), progress, tta=tta)
        evaluation = replace(
            evaluation,
            rival=compute_metrics(others, leaks.groups),
            comparison=compare(answers, others, leaks.groups),
        )
    return evaluation


def _answers(
    classifier: OnnxEmotionClassifier, faces: FaceSet, progress: Progress, *, tta: bool
) -> Predictions:
    name = classifier.manifest.name + (", ten views" if tta else "")
    with progress(name, len(faces)) as done:
        return predict(TenViewClassifier(classifier) if tta else classifier, faces, done)
