"""What people see: a model's answers against FER+'s ten raters an image."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.datasets.votes import majority_votes, vote_columns
from emolens.evaluation.predictions import Predictions


@dataclass(frozen=True, slots=True)
class VoteAgreement:
    """How often answers are those of people; None where there is nobody to agree with.

    Attributes:
        n_with_majority: Faces for which one answer has more votes than any other and is one of
            the seven classes.
        with_majority: Share of these where the model names it, 0..1.
        labels_with_majority: The same for what is taken for right: the data set's own labels, or a
            target from the votes themselves.
        with_single_rater: Chance that the model's answer is that of a rater of the same face drawn
            at random, 0..1; contempt, "unknown" and "not a face" agree with nothing.
        labels_with_single_rater: The same for what is taken for right.
        between_raters: Chance that two raters of the same face give the same answer, 0..1: what a
            person reaches.
    """

    n_with_majority: int
    with_majority: float | None
    labels_with_majority: float | None
    with_single_rater: float | None
    labels_with_single_rater: float | None
    between_raters: float | None


def vote_agreement(predictions: Predictions, votes: npt.NDArray[np.uint8]) -> VoteAgreement:
    """Compare answers with people's.

    Args:
        predictions: What a classifier said.
        votes: uint8 (N, 10), FER+'s counts in the order of `votes.VOTE_NAMES`.

    Source:
        Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with
        Crowd-Sourced Label Distribution", section 3, for the majority.
    """
    columns = vote_columns()
    majority = majority_votes(votes)
    is_ours = np.isin(majority, columns)
    named, labelled = columns[predictions.predicted], columns[predictions.labels]
    return VoteAgreement(
        n_with_majority=int(is_ours.sum()),
        with_majority=_mean((named == majority)[is_ours]),
        labels_with_majority=_mean((labelled == majority)[is_ours]),
        with_single_rater=_rater_agreement(votes, named),
        labels_with_single_rater=_rater_agreement(votes, labelled),
        between_raters=_mean(_pair_agreement(votes)),
    )


def agreement_level(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Share of the raters who gave the commonest of the seven answers, float64 (N,), 0..1.

    NaN where nobody voted.

    Args:
        votes: uint8 (N, 10).
    """
    totals = votes.sum(axis=1, dtype=np.float64)
    most = votes[:, vote_columns()].max(axis=1)
    return np.asarray(np.divide(most, totals, out=np.full(len(votes), np.nan), where=totals > 0))


def _rater_agreement(votes: npt.NDArray[np.uint8], answers: npt.NDArray[np.int64]) -> float | None:
    totals = votes.sum(axis=1, dtype=np.float64)
    rated = totals > 0
    same = votes[np.arange(len(votes)), answers]
    return _mean(same[rated] / totals[rated])


def _pair_agreement(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Chance, for every face with two raters or more, that two of them agree on a class."""
    counts = votes.astype(np.float64)
    totals = counts.sum(axis=1)
    of_class = counts[:, vote_columns()]
    pairs = (of_class * (of_class - 1)).sum(axis=1)
    rated = totals > 1
    return np.asarray(pairs[rated] / (totals * (totals - 1))[rated])


def _mean(values: npt.NDArray[np.generic]) -> float | None:
    return float(values.mean()) if len(values) else None
