"""Run models over labelled faces and measure them, from reading the data to the figures."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from emolens.classification import OnnxEmotionClassifier, TenViewClassifier
from emolens.core.errors import DatasetError
from emolens.core.ports import EmotionClassifier
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import has_split, load_faces
from emolens.datasets.targets import Target, with_targets
from emolens.evaluation.comparison import compare
from emolens.evaluation.evaluation import Evaluation, evaluate
from emolens.evaluation.leaks import Leaks, find_leaks
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions, predict

# Copies are looked for at FER2013's own size, whatever a model reads.
_COPY_SIZE_PX = 48

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Takes what is done and of how many; inside the block, the number done so far is told."""


def _silently(_what: str, _n_faces: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda _n_done: None)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Faces to measure models on.

    Attributes:
        source: Where they are: any source that `datasets.loading` reads.
        split: Their split; None for those of no split.
        training: Where the `Training` rows are that the models have seen, or None.
        target: What is right: the source's labels, or what its raters saw.
    """

    source: Path
    split: Split | None
    training: Path | None
    target: Target = Target.LABEL

    @classmethod
    def of(
        cls,
        source: Path,
        split: Split | None,
        *,
        training: Path | None = None,
        target: Target = Target.LABEL,
    ) -> Self:
        """A benchmark with the training rows given, or else those of the source itself, if any.

        Raises:
            DatasetError: The source breaks its format.
        """
        has_rows = split != Split.TRAINING and has_split(source, Split.TRAINING)
        return cls(source, split, training or (source if has_rows else None), target)

    def faces(self, classifier: EmotionClassifier) -> FaceSet:
        """The faces, of the size that a classifier reads.

        Raises:
            DatasetError: The source breaks its format, has none, or no votes where the target is
                taken from these.
        """
        return self.load(classifier.input_spec.size_px)

    def leaks(self, progress: Progress) -> Leaks:
        """Copies among the faces and in the training rows.

        Raises:
            DatasetError: One of the two breaks its format, or has no faces.
        """
        faces = self.load(_COPY_SIZE_PX)
        rows = (
            load_faces(self.training, Split.TRAINING, size_px=_COPY_SIZE_PX)
            if self.training
            else None
        )
        with progress("looking for copies", len(faces) + (len(rows) if rows else 0)) as done:
            return find_leaks(faces, rows, done)

    def load(self, size_px: int) -> FaceSet:
        """The faces with a target, each brought to `size_px` squared; raises as `faces` does."""
        faces = load_faces(self.source, self.split, size_px=size_px)
        try:
            return with_targets(faces, self.target).faces
        except DatasetError as error:
            raise DatasetError(f"{self.source}: {error}") from error


def evaluate_model(
    classifier: OnnxEmotionClassifier,
    benchmark: Benchmark,
    *,
    leaks: Leaks | None = None,
    tta: bool = False,
    rival: OnnxEmotionClassifier | None = None,
    progress: Progress = _silently,
) -> Evaluation:
    """Measure a model.

    Args:
        classifier: The model.
        benchmark: What to measure it on.
        leaks: Copies among its faces and in the training rows; looked for unless given.
        tta: Take the mean of ten views as its answer; it is then measured with one view as well.
        rival: Another model to compare it with, or None.
        progress: Shows how far it is; nothing unless given.

    Raises:
        DatasetError: The faces or training rows cannot be read.
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
