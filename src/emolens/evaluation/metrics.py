"""Metrics of a classifier: accuracy, metrics per class, calibration."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS, N_EMOTIONS
from emolens.evaluation.predictions import Predictions
from emolens.evaluation.reliability import calibration_error, equal_mass_bins, equal_width_bins
from emolens.evaluation.resampling import mean_interval

# The smallest probability a log is taken of: float32's own resolution near zero.
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Metrics of one class; None where a metric is not defined.

    Attributes:
        precision: Share of correct predictions among the predictions of this class, 0..1; None
            without such predictions.
        recall: Share of correct predictions among the faces of this class, 0..1; None without
            such faces.
        f1: Harmonic mean of precision and recall, 0..1; None without faces of this class.
        support: Number of faces with this label.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationMetrics:
    """Metrics of a classifier on one data set.

    Attributes:
        n: Number of faces.
        accuracy: Share of correct predictions, 0..1.
        accuracy_ci95: 95 % interval of the accuracy (percentile bootstrap over groups of
            near-duplicates, fixed seed).
        balanced_accuracy: Mean recall of the classes that occur, 0..1.
        macro_f1: Mean F1 of the classes that occur, 0..1.
        per_class: Metrics by label.
        confusion_matrix: int64 (7, 7), rows are labels, columns predictions.
        nll: Mean negative log-likelihood of the true class, in nats.
        brier: Mean squared distance between probabilities and the one-hot label, summed over
            classes, 0..2 (Brier 1950).
        ece: Expected calibration error over 15 equal-width bins of confidence, 0..1.
        ece_equal_mass: The same over 15 bins with equal numbers of faces.
    """

    n: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    balanced_accuracy: float
    macro_f1: float
    per_class: dict[str, ClassMetrics]
    confusion_matrix: npt.NDArray[np.int64]
    nll: float
    brier: float
    ece: float
    ece_equal_mass: float

    @property
    def with_faces(self) -> tuple[str, ...]:
        """The labels of the classes with faces."""
        return tuple(label for label in LABELS if self.per_class[label].support)

    @property
    def without_faces(self) -> tuple[str, ...]:
        """The labels of the classes without faces."""
        return tuple(label for label in LABELS if not self.per_class[label].support)

    @property
    def predicted_labels(self) -> tuple[str, ...]:
        """The labels of the classes with faces or predictions: the columns of a matrix."""
        n_predicted = self.confusion_matrix.sum(axis=0)
        return tuple(
            label
            for label, n in zip(LABELS, n_predicted.tolist(), strict=True)
            if n or self.per_class[label].support
        )

    @property
    def shown_matrix(self) -> npt.NDArray[np.int64]:
        """The confusion matrix with a row per label in `with_faces`, a column per predicted one."""
        rows, columns = (
            [LABELS.index(label) for label in labels]
            for labels in (self.with_faces, self.predicted_labels)
        )
        return self.confusion_matrix[np.ix_(rows, columns)]

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, lists and dicts, as `emolens evaluate --json` writes them."""
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "accuracy_ci95": list(self.accuracy_ci95),
            "balanced_accuracy": self.balanced_accuracy,
            "macro_f1": self.macro_f1,
            "per_class": {
                label: {
                    "precision": metrics.precision,
                    "recall": metrics.recall,
                    "f1": metrics.f1,
                    "support": metrics.support,
                }
                for label, metrics in self.per_class.items()
            },
            "confusion_matrix": self.confusion_matrix.tolist(),
            "nll": self.nll,
            "brier": self.brier,
            "ece": self.ece,
            "ece_equal_mass": self.ece_equal_mass,
        }


def compute_metrics(
    predictions: Predictions, groups: npt.NDArray[np.int64] | None = None
) -> ClassificationMetrics:
    """Compute all metrics. The result is deterministic.

    Args:
        predictions: The predictions of a classifier.
        groups: int64 (N,), the group of near-duplicates of each face, for the interval. By default
            each face is its own group.
    """
    labels = predictions.labels
    confusion = confusion_matrix(labels, predictions.predicted)
    per_class = _per_class(confusion)
    occurring = [metrics for metrics in per_class.values() if metrics.support]
    hits, confidence = predictions.hits, predictions.confidence
    one_hot = np.eye(N_EMOTIONS)[labels]
    true_probabilities = np.maximum((predictions.probabilities * one_hot).sum(axis=1), _SMALLEST)
    return ClassificationMetrics(
        n=len(labels),
        accuracy=float(hits.mean()),
        accuracy_ci95=mean_interval(hits.astype(np.float64), groups),
        balanced_accuracy=float(np.mean([metrics.recall or 0.0 for metrics in occurring])),
        macro_f1=float(np.mean([metrics.f1 or 0.0 for metrics in occurring])),
        per_class=per_class,
        confusion_matrix=confusion,
        nll=float(-np.log(true_probabilities).mean()),
        brier=float(((predictions.probabilities - one_hot) ** 2).sum(axis=1).mean()),
        ece=calibration_error(equal_width_bins(confidence, hits)),
        ece_equal_mass=calibration_error(equal_mass_bins(confidence, hits)),
    )


def confusion_matrix(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Count the faces of each label and prediction.

    Args:
        labels: int64 (N,), 0..6.
        predicted: int64 (N,), 0..6.

    Returns:
        int64 (7, 7), rows are labels, columns predictions.
    """
    cells = np.bincount(labels * N_EMOTIONS + predicted, minlength=N_EMOTIONS**2)
    return cells.astype(np.int64).reshape(N_EMOTIONS, N_EMOTIONS)


def _per_class(confusion: npt.NDArray[np.int64]) -> dict[str, ClassMetrics]:
    correct, support = np.diagonal(confusion).tolist(), confusion.sum(axis=1).tolist()
    predicted = confusion.sum(axis=0).tolist()
    return {
        label: ClassMetrics(
            precision=correct[index] / predicted[index] if predicted[index] else None,
            recall=correct[index] / support[index] if support[index] else None,
            # F1 in counts, so that it is 0 and not undefined without correct predictions.
            f1=2 * correct[index] / (support[index] + predicted[index]) if support[index] else None,
            support=support[index],
        )
        for index, label in enumerate(LABELS)
    }
