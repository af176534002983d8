"""When to abstain: how right the answers are that a model is most sure of."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

# With this chance all statements of `choose_threshold` hold for new faces of the same kind.
_SURE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """How the share of wrong answers falls when unsure ones are left out.

    Attributes:
        thresholds: float64 (K,), every confidence that occurs, falling; faces of at least this
            confidence are answered.
        coverage: float64 (K,), share of faces answered, rising to 1.
        risk: float64 (K,), share of wrong ones among the answers, 0..1.
        aurc: Area under risk over coverage: the mean over all faces of the risk at the coverage
            at which a face is first answered.
    """

    thresholds: npt.NDArray[np.float64]
    coverage: npt.NDArray[np.float64]
    risk: npt.NDArray[np.float64]
    aurc: float


@dataclass(frozen=True, slots=True)
class Abstention:
    """A threshold that makes answers right often enough.

    Attributes:
        target_accuracy: What was asked for, 0..1.
        threshold: Answer only from this confidence on, 0..1; None where no threshold is known to
            reach the target.
        coverage: Share of these faces that get an answer.
        accuracy: Share of right ones among the answers; None without answers.
        least_accuracy: What the accuracy on new faces of the same kind is at least, with 95 %
            certainty; None without a threshold.
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
        hits: bool (N,), whether the prediction was right.

    Source:
        Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks", section 2.
    """
    values, places = np.unique(-confidence, return_inverse=True)
    at_value = np.bincount(places)
    n_answered = np.cumsum(at_value)
    risk = np.cumsum(np.bincount(places, weights=~hits)) / n_answered
    aurc = float((risk * at_value).sum() / len(hits))
    return RiskCoverage(-values, n_answered / len(hits), risk, aurc)


def choose_threshold(
    confidence: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_], target_accuracy: float
) -> Abstention:
    """Find the threshold that answers most faces and still keeps a promise about new ones.

    The threshold is looked for by halving, and every step's bound on the risk is made so much
    surer that all of them hold together; a threshold picked where these very faces look best would
    promise too much. The bound takes faces as independent, which copies of one image are not.

    Args:
        confidence: float64 (N,), probability of the predicted class, 0..1, N > 0.
        hits: bool (N,), whether the prediction was right.
        target_accuracy: Accuracy of the answers wanted, 0..1.

    Source:
        Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks", algorithm 1
        (Selection with Guaranteed Risk), after a look at answering everything; the bound is that of
        Clopper and Pearson 1934.
    """
    curve = risk_coverage(confidence, hits)
    n_steps = 1 + math.ceil(math.log2(len(curve.thresholds) + 1))
    chance = (1 - _SURE) / n_steps
    last = len(curve.thresholds) - 1
    chosen = _promise(curve, last, len(hits), target_accuracy, chance)
    low, high = 0, last - 1
    while chosen.coverage < 1 and low <= high:
        middle = (low + high) // 2
        promised = _promise(curve, middle, len(hits), target_accuracy, chance)
        if promised.threshold is None:
            high = middle - 1
        else:
            chosen, low = promised, middle + 1
    return chosen


def _promise(
    curve: RiskCoverage, place: int, n_faces: int, target_accuracy: float, chance: float
) -> Abstention:
    """What the threshold at a place of the curve promises, but for a chance."""
    n_answered = round(curve.coverage[place] * n_faces)
    n_wrong = round(curve.risk[place] * n_answered)
    least_accuracy = 1 - _largest_share(n_wrong, n_answered, chance)
    if least_accuracy < target_accuracy:
        return Abstention(target_accuracy, None, 0.0, None, None)
    return Abstention(
        target_accuracy,
        threshold=float(curve.thresholds[place]),
        coverage=float(curve.coverage[place]),
        accuracy=1 - n_wrong / n_answered,
        least_accuracy=least_accuracy,
    )


def _largest_share(n_wrong: int, n_faces: int, chance: float) -> float:
    """What the true share of wrong answers is at most, but for a chance (Clopper and Pearson)."""
    if n_wrong == n_faces:
        return 1.0
    return float(stats.beta.ppf(1 - chance, n_wrong + 1, n_faces - n_wrong))
