"""The figures of a classifier: accuracy, per-class figures, calibration."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from emolens.core.emotion import LABELS, N_EMOTIONS
from emolens.evaluation.predictions import Predictions
from emolens.evaluation.reliability import calibration_error, equal_mass_bins, equal_width_bins
from emolens.evaluation.resampling import mean_interval

# The smallest probability a log is taken of: float32's own resolution near zero.
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Figures of one class; None where the class never occurs and so has no such figure.

    Attributes:
        precision: Share of the faces named so that are so, 0..1; None if no face was named so.
        recall: Share of the faces that are so that were named so, 0..1; None without such faces.
        f1: Harmonic mean of the two; None without such faces.
        support: Faces with this label.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationMetrics:
    """Figures of a classifier on one data set.

    Attributes:
        n: Faces.
        accuracy: Share of hits, 0..1.
        accuracy_ci95: Its 95 % interval (percentile bootstrap over groups of copies, fixed seed).
        balanced_accuracy: Mean recall of the classes that occur.
        macro_f1: Mean F1 of the classes that occur.
        per_class: Figures by label.
        confusion_matrix: int64 (7, 7), rows are labels, columns predictions.
        nll: Mean negative log-likelihood of the true class, nats.
        brier: Mean squared distance between probabilities and the one-hot label, summed over
            classes, 0..2 (Brier 1950).
        ece: Expected calibration error over 15 equal-width bins of confidence, 0..1.
        ece_equal_mass: The same over 15 bins of equally many faces.
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
                    "precision": figures.precision,
                    "recall": figures.recall,
                    "f1": figures.f1,
                    "support": figures.support,
                }
                for label, figures in self.per_class.items()
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
    """Compute all figures; the same predictions give the same figures.

    Args:
        predictions: What a classifier said.
        groups: int64 (N,), number of the group of copies that a face belongs to, for the interval;
            every face its own unless given.
    """
    labels, predicted = predictions.labels, predictions.predicted
    per_class = _per_class(labels, predicted)
    occurring = [figures for figures in per_class.values() if figures.support]
    hits, confidence = predictions.hits, predictions.confidence
    one_hot = np.eye(N_EMOTIONS)[labels]
    true_probabilities = np.maximum((predictions.probabilities * one_hot).sum(axis=1), _SMALLEST)
    return ClassificationMetrics(
        n=len(labels),
        accuracy=float(hits.mean()),
        accuracy_ci95=mean_interval(hits.astype(np.float64), groups),
        balanced_accuracy=float(np.mean([figures.recall or 0.0 for figures in occurring])),
        macro_f1=float(np.mean([figures.f1 or 0.0 for figures in occurring])),
        per_class=per_class,
        confusion_matrix=metrics.confusion_matrix(labels, predicted, labels=range(N_EMOTIONS)),
        nll=float(-np.log(true_probabilities).mean()),
        brier=float(((predictions.probabilities - one_hot) ** 2).sum(axis=1).mean()),
        ece=calibration_error(equal_width_bins(confidence, hits)),
        ece_equal_mass=calibration_error(equal_mass_bins(confidence, hits)),
    )


def _per_class(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]
) -> dict[str, ClassMetrics]:
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(N_EMOTIONS), zero_division=np.nan
    )
    n_named = np.bincount(predicted, minlength=N_EMOTIONS)
    return {
        label: ClassMetrics(
            precision=float(precision[index]) if n_named[index] else None,
            recall=float(recall[index]) if support[index] else None,
            f1=float(f1[index]) if support[index] else None,
            support=int(support[index]),
        )
        for index, label in enumerate(LABELS)
    }
