"""The figures of a classifier: accuracy, per-class figures, calibration."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn import metrics

from emolens.core.emotion import LABELS, N_EMOTIONS
from emolens.evaluation.predictions import Predictions

# Enough for the interval's ends to vary by less than 0.1 points between seeds.
_N_RESAMPLES = 2000
_RESAMPLE_BATCH = 100
# Guo et al. 2017, "On Calibration of Modern Neural Networks", section 5.
_N_ECE_BINS = 15
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
        accuracy_ci95: Its 95 % interval (percentile bootstrap over faces, fixed seed).
        balanced_accuracy: Mean recall of the classes that occur.
        macro_f1: Mean F1 of the classes that occur.
        per_class: Figures by label.
        confusion_matrix: int64 (7, 7), rows are labels, columns predictions.
        nll: Mean negative log-likelihood of the true class, nats.
        brier: Mean squared distance between probabilities and the one-hot label, summed over
            classes, 0..2 (Brier 1950).
        ece: Expected calibration error over 15 equal-width bins of confidence, 0..1.
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
        }


def compute_metrics(predictions: Predictions) -> ClassificationMetrics:
    """Compute all figures; the same predictions give the same figures."""
    labels, predicted = predictions.labels, predictions.predicted
    per_class = _per_class(labels, predicted)
    occurring = [figures for figures in per_class.values() if figures.support]
    hits = labels == predicted
    one_hot = np.eye(N_EMOTIONS)[labels]
    true_probabilities = np.maximum((predictions.probabilities * one_hot).sum(axis=1), _SMALLEST)
    return ClassificationMetrics(
        n=len(labels),
        accuracy=float(hits.mean()),
        accuracy_ci95=_accuracy_interval(hits),
        balanced_accuracy=float(np.mean([figures.recall or 0.0 for figures in occurring])),
        macro_f1=float(np.mean([figures.f1 or 0.0 for figures in occurring])),
        per_class=per_class,
        confusion_matrix=metrics.confusion_matrix(labels, predicted, labels=range(N_EMOTIONS)),
        nll=float(-np.log(true_probabilities).mean()),
        brier=float(((predictions.probabilities - one_hot) ** 2).sum(axis=1).mean()),
        ece=expected_calibration_error(predictions.probabilities.max(axis=1), hits),
    )


def expected_calibration_error(
    confidence: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_]
) -> float:
    """Mean distance between confidence and accuracy over equal-width bins, weighted by faces.

    Args:
        confidence: float64 (N,), probability of the predicted class, 0..1.
        hits: bool (N,), whether the prediction was right.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3, 15 bins.
    """
    bins = np.minimum((confidence * _N_ECE_BINS).astype(np.int64), _N_ECE_BINS - 1)
    gaps = np.bincount(bins, weights=confidence - hits, minlength=_N_ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


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


def _accuracy_interval(hits: npt.NDArray[np.bool_]) -> tuple[float, float]:
    if hits.all() or not hits.any():
        # Every resample is the same then, which scipy refuses.
        return float(hits.mean()), float(hits.mean())
    interval = stats.bootstrap(
        (hits.astype(np.float64),),
        np.mean,
        n_resamples=_N_RESAMPLES,
        batch=_RESAMPLE_BATCH,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(interval.low), float(interval.high)
