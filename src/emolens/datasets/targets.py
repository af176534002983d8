"""What a network is asked to say of a face: the data set's label, or what FER+'s raters saw.

Source of the rules: Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition
with Crowd-Sourced Label Distribution" (ICMI 2016), with the thresholds of the code that its authors
published for the soft and the multi-label ones. (That code also wants more than half of the votes
for a majority, which drops another tenth of the images.) Contempt, which FER+ has and we have
not, is treated as they treat "unknown" and "not a face": a face that most raters see so has no
target.
"""

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSet
from emolens.datasets.votes import N_VOTES, VOTE_NAMES, vote_columns

# An answer that one rater of ten gave alone is taken for a slip.
_MIN_VOTES = 2
# Soft: the commonest answers until they hold three quarters of the votes, three at the most, and
# together more than half.
_SOFT_COVERED, _SOFT_ANSWERS, _SOFT_LEAST = 0.75, 3, 0.5
# Multi: every answer with three tenths of the votes, together more than half.
_MULTI_SHARE, _MULTI_LEAST = 0.3, 0.5
_UNDECIDED = "undecided"

Votes = npt.NDArray[np.uint8]
_Counts = npt.NDArray[np.int64]


class Target(StrEnum):
    """What a network learns to say."""

    LABEL = "label"
    """The label of the data set."""
    MAJORITY = "majority"
    """The answer that more raters give than any other."""
    SOFT = "soft"
    """The shares of the raters' commonest answers."""
    MULTI = "multi"
    """Any of the answers that three tenths of the raters give."""


@dataclass(frozen=True, slots=True, eq=False)
class VoteTargets:
    """Targets from votes.

    Attributes:
        shares: float32 (N, 7), adding up to 1; for `multi` equal among the classes that are right.
            Zeros where a face has no target.
        labels: int64 (N,), the class with the highest share, and of several such ones that with
            the most votes, then the first in the order of `Emotion`; -1 without target.
        reasons: Why each face has no target: `contempt`, `unknown`, `not_face`, or `undecided`
            where no answer or no small group of answers has enough votes; empty where it has one.
    """

    shares: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    reasons: npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class TargetedFaces:
    """Faces with what is to be said of each.

    Attributes:
        faces: Those that have a target; their labels are the classes that it names.
        shares: float32 (N, 7), their targets, as in `VoteTargets`.
        n_without: Faces that have none and are left out, by reason.
    """

    faces: FaceSet
    shares: npt.NDArray[np.float32]
    n_without: dict[str, int]


def with_targets(faces: FaceSet, target: Target) -> TargetedFaces:
    """Give faces their targets, leaving out those without one.

    Raises:
        DatasetError: The faces have no votes but the target needs them, or none has a target.
    """
    if target is Target.LABEL:
        return TargetedFaces(faces, np.eye(N_EMOTIONS, dtype=np.float32)[faces.labels], {})
    if faces.votes is None:
        raise DatasetError(
            f"the target {target} is taken from FER+'s votes, but not every face has these; take "
            "the target label, or a source with votes"
        )
    found = vote_targets(faces.votes, target)
    rows = np.flatnonzero(found.labels >= 0)
    if not len(rows):
        raise DatasetError(f"none of {len(faces)} faces has a {target} target; see their votes")
    reasons = Counter(found.reasons[found.labels < 0].tolist())
    chosen = replace(faces.take(rows), labels=found.labels[rows])
    return TargetedFaces(chosen, found.shares[rows], dict(sorted(reasons.items())))


def vote_targets(votes: Votes, target: Target) -> VoteTargets:
    """Turn votes into targets.

    Args:
        votes: uint8 (N, 10), in the order of `votes.VOTE_NAMES`.
        target: One of `majority`, `soft` and `multi`.
    """
    # Of 35,887 images many have the same votes.
    patterns, places = np.unique(votes, axis=0, return_inverse=True)
    columns = vote_columns()
    shares = np.zeros((len(patterns), N_EMOTIONS), np.float32)
    labels = np.full(len(patterns), -1, np.int64)
    reasons = np.full(len(patterns), "", f"<U{max(map(len, (*VOTE_NAMES, _UNDECIDED)))}")
    for row, counts in enumerate(patterns.astype(np.int64)):
        weights = _KINDS[target](np.where(counts < _MIN_VOTES, 0, counts))
        if not weights.any():
            reasons[row] = _UNDECIDED
            continue
        ours = weights[columns]
        chosen = np.where(weights > 0, counts, -1)
        if chosen[columns].max() < chosen.max():
            reasons[row] = VOTE_NAMES[chosen.argmax()]
            continue
        shares[row] = ours / ours.sum()
        labels[row] = np.lexsort((-np.arange(N_EMOTIONS), counts[columns], ours))[-1]
    flat = places.reshape(-1)
    return VoteTargets(shares[flat], labels[flat], reasons[flat])


def _majority(counts: _Counts) -> npt.NDArray[np.float64]:
    chosen = np.zeros(N_VOTES)
    if np.count_nonzero(counts == counts.max()) == 1:
        chosen[counts.argmax()] = 1
    return chosen


def _soft(counts: _Counts) -> npt.NDArray[np.float64]:
    chosen = np.zeros(N_VOTES)
    n_votes = counts.sum()
    # Answers with the same number of votes come together or not at all.
    for level in np.unique(counts[counts > 0])[::-1]:
        if chosen.sum() >= _SOFT_COVERED * n_votes or np.count_nonzero(chosen) >= _SOFT_ANSWERS:
            break
        chosen[counts == level] = level
    covers = chosen.sum() > _SOFT_LEAST * n_votes
    return chosen if covers and np.count_nonzero(chosen) <= _SOFT_ANSWERS else np.zeros(N_VOTES)


def _multi(counts: _Counts) -> npt.NDArray[np.float64]:
    n_votes = counts.sum()
    chosen = (counts >= _MULTI_SHARE * n_votes) & (counts > 0)
    covers = counts[chosen].sum() > _MULTI_LEAST * n_votes
    return chosen.astype(np.float64) if covers else np.zeros(N_VOTES)


_KINDS = {Target.MAJORITY: _majority, Target.SOFT: _soft, Target.MULTI: _multi}
