"""Selective classification: risk-coverage curves and thresholds for abstention."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

# Probability that all bounds of `choose_threshold` hold for new faces of the same kind.
_CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """A risk-coverage curve: the error rate against the share of predicted faces.

    Attributes:
        thresholds: float64 (K,), all confidences in descending order. Faces of at least this
            confidence are predicted.
        coverage: float64 (K,), share of predicted faces, ascending to 1.
        risk: float64 (K,), error rate of the predictions, 0..1.
        aurc: Area under the curve: the mean over all faces of the risk at the coverage from which a
            face is predicted.
    """

    thresholds: npt.NDArray[np.float64]
    coverage: npt.NDArray[np.float64]
    risk: npt.NDArray[np.float64]
    aurc: float


@dataclass(frozen=True, slots=True)
class Abstention:
    """A confidence threshold for a target accuracy.

    Attributes:
        target_accuracy: Target accuracy, 0..1.
        threshold: Minimum confidence of a prediction, 0..1; None if no threshold is known to reach
            the target.
        coverage: Share of the faces with a prediction.
        accuracy: Accuracy of the predictions; None without predictions.
        least_accuracy: Lower bound of the accuracy on new faces of the same kind, with 95 %
            confidence; None without a threshold.
    """

    target_accuracy: float
    threshold: float | None
    coverage: float
    accuracy: float | None
    least_accuracy: float | None


def risk_coverage(confidence: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_]) -> RiskCoverage:
    """Compute the risk at every coverage.

    Args:
        confidence: float64 (N,), probability of the predicted class, 0..1, N > 0.
        hits: bool (N,), whether the prediction is correct.

    Source:
        Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks", section 2.
    """
    values, indices = np.unique(-confidence, return_inverse=True)
    n_at_value = np.bincount(indices)
    n_predicted = np.cumsum(n_at_value)
    risk = np.cumsum(np.bincount(indices, weights=~hits)) / n_predicted
    aurc = float((risk * n_at_value).sum() / len(hits))
    return RiskCoverage(-values, n_predicted / len(hits), risk, aurc)


def choose_threshold(
    confidence: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_], target_accuracy: float
) -> Abstention:
    """Choose the threshold of highest coverage whose accuracy holds for new faces.

    A binary search tests thresholds. The bound of every step is corrected for the number of steps,
    because the best threshold on these faces alone would be too optimistic. The bound assumes
    independent faces, which near-duplicates are not.

    Args:
        confidence: float64 (N,), probability of the predicted class, 0..1, N > 0.
        hits: bool (N,), whether the prediction is correct.
        target_accuracy: Target accuracy of the predictions, 0..1.

    Source:
        Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks", algorithm 1
        (Selection with Guaranteed Risk), after a test of full coverage. Clopper and Pearson 1934,
        for the bound.
    """
    curve = risk_coverage(confidence, hits)
    n_steps = 1 + math.ceil(math.log2(len(curve.thresholds) + 1))
    error_rate = (1 - _CONFIDENCE_LEVEL) / n_steps
    last = len(curve.thresholds) - 1
    chosen = _bounded(curve, last, len(hits), target_accuracy, error_rate)
    low, high = 0, last - 1
    while chosen.coverage < 1 and low <= high:
        middle = (low + high) // 2
        candidate = _bounded(curve, middle, len(hits), target_accuracy, error_rate)
        if candidate.threshold is None:
            high = middle - 1
        else:
            chosen, low = candidate, middle + 1
    return chosen


def _bounded(
    curve: RiskCoverage, index: int, n_faces: int, target_accuracy: float, error_rate: float
) -> Abstention:
    """Bound the accuracy of the threshold at an index of the curve, with an error rate."""
    n_predicted = round(curve.coverage[index] * n_faces)
    n_wrong = round(curve.risk[index] * n_predicted)
    least_accuracy = 1 - _upper_bound(n_wrong, n_predicted, error_rate)
    if least_accuracy < target_accuracy:
        return Abstention(target_accuracy, None, 0.0, None, None)
    return Abstention(
        target_accuracy,
        threshold=float(curve.thresholds[index]),
        coverage=float(curve.coverage[index]),
        accuracy=1 - n_wrong / n_predicted,
        least_accuracy=least_accuracy,
    )


def _upper_bound(n_wrong: int, n_faces: int, error_rate: float) -> float:
    """Compute Clopper and Pearson's upper bound of the true share of wrong predictions."""
    if n_wrong == n_faces:
        return 1.0
    return float(stats.beta.ppf(1 - error_rate, n_wrong + 1, n_faces - n_wrong))
