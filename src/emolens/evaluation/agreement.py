"""Agreement of predictions and labels with FER+'s ten raters per image."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.datasets.votes import majority_votes, vote_columns
from emolens.evaluation.predictions import Predictions


@dataclass(frozen=True, slots=True)
class VoteAgreement:
    """Agreement with raters; None where no face has the votes for it.

    Attributes:
        n_with_majority: Faces whose majority vote is unique and one of the seven classes.
        with_majority: Share of these for which the prediction is the majority vote, 0..1.
        labels_with_majority: The same for the ground truth: the labels of the data set, or a target
            from the votes.
        with_single_rater: Probability that the prediction is the vote of a random rater of the
            face, 0..1. Contempt, "unknown" and "not a face" agree with no class.
        labels_with_single_rater: The same for the ground truth.
        between_raters: Probability that two raters of a face vote for the same class, 0..1: human
            agreement.
    """

    n_with_majority: int
    with_majority: float | None
    labels_with_majority: float | None
    with_single_rater: float | None
    labels_with_single_rater: float | None
    between_raters: float | None


def vote_agreement(predictions: Predictions, votes: npt.NDArray[np.uint8]) -> VoteAgreement:
    """Compare predictions and labels with the votes of raters.

    Args:
        predictions: Predictions of a classifier.
        votes: uint8 (N, 10), FER+'s counts in the order of `votes.VOTE_NAMES`.

    Source:
        Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with
        Crowd-Sourced Label Distribution", section 3, for the majority.
    """
    columns = vote_columns()
    majority = majority_votes(votes)
    is_class = np.isin(majority, columns)
    predicted, labels = columns[predictions.predicted], columns[predictions.labels]
    return VoteAgreement(
        n_with_majority=int(is_class.sum()),
        with_majority=_mean((predicted == majority)[is_class]),
        labels_with_majority=_mean((labels == majority)[is_class]),
        with_single_rater=_rater_agreement(votes, predicted),
        labels_with_single_rater=_rater_agreement(votes, labels),
        between_raters=_mean(_pair_agreement(votes)),
    )


def agreement_level(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Compute the share of votes of the most frequent of the seven classes.

    Args:
        votes: uint8 (N, 10).

    Returns:
        float64 (N,), 0..1; NaN for a face without votes.
    """
    totals = votes.sum(axis=1, dtype=np.float64)
    most = votes[:, vote_columns()].max(axis=1)
    return np.asarray(np.divide(most, totals, out=np.full(len(votes), np.nan), where=totals > 0))


def _rater_agreement(votes: npt.NDArray[np.uint8], columns: npt.NDArray[np.int64]) -> float | None:
    totals = votes.sum(axis=1, dtype=np.float64)
    rated = totals > 0
    same = votes[np.arange(len(votes)), columns]
    return _mean(same[rated] / totals[rated])


def _pair_agreement(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Compute the probability that two raters agree, for every face with two or more raters."""
    counts = votes.astype(np.float64)
    totals = counts.sum(axis=1)
    of_class = counts[:, vote_columns()]
    pairs = (of_class * (of_class - 1)).sum(axis=1)
    rated = totals > 1
    return np.asarray(pairs[rated] / (totals * (totals - 1))[rated])


def _mean(values: npt.NDArray[np.generic]) -> float | None:
    return float(values.mean()) if len(values) else None
