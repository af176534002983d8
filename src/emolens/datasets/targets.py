"""Training targets: the label of the data set, or a distribution of FER+'s votes.

Source of the rules: Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition
with Crowd-Sourced Label Distribution" (ICMI 2016). The thresholds of the soft and the multi-label
targets are those of the authors' code. That code also requires more than half of the votes for a
majority, which drops another tenth of the images; this module does not. Contempt is outside the
seven classes and is treated as the authors treat "unknown" and "not a face": a face with this
majority has no target.
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

# A class with one vote of ten is treated as a mistake.
_MIN_VOTES = 2
# Soft: the most frequent classes up to three quarters of the votes, at most three classes, together
# more than half of the votes.
_SOFT_COVERED, _SOFT_CLASSES, _SOFT_MIN_SHARE = 0.75, 3, 0.5
# Multi: every class with three tenths of the votes, together more than half.
_MULTI_SHARE, _MULTI_MIN_SHARE = 0.3, 0.5
_UNDECIDED = "undecided"

Votes = npt.NDArray[np.uint8]
_Counts = npt.NDArray[np.int64]


class Target(StrEnum):
    """The kind of target that a network is trained on."""

    LABEL = "label"
    """The label of the data set."""
    MAJORITY = "majority"
    """The majority vote of FER+'s raters."""
    SOFT = "soft"
    """The vote shares of the most frequent classes."""
    MULTI = "multi"
    """Any class with at least three tenths of the votes."""


@dataclass(frozen=True, slots=True, eq=False)
class VoteTargets:
    """Targets from votes.

    Attributes:
        shares: float32 (N, 7), with a sum of 1; for `multi`, equal among the correct classes.
            Zeros for a face without target.
        labels: int64 (N,), the class with the highest share. Ties are broken by the number of
            votes, then by the order of `Emotion`. -1 for a face without target.
        reasons: The reason why a face has no target: `contempt`, `unknown`, `not_face`, or
            `undecided` if no class or small group of classes has enough votes. Empty for a face
            with a target.
    """

    shares: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    reasons: npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class TargetedFaces:
    """Faces with their targets.

    Attributes:
        faces: The faces with a target; their labels are those of the targets.
        shares: Their targets, float32 (N, 7), as in `VoteTargets`.
        n_without: Number of faces without a target, which are left out, by reason.
    """

    faces: FaceSet
    shares: npt.NDArray[np.float32]
    n_without: dict[str, int]


def with_targets(faces: FaceSet, target: Target) -> TargetedFaces:
    """Compute the targets of faces and leave out the faces without one.

    Raises:
        DatasetError: The target requires votes that some faces do not have, or no face has a
            target.
    """
    if target is Target.LABEL:
        return TargetedFaces(faces, np.eye(N_EMOTIONS, dtype=np.float32)[faces.labels], {})
    if faces.votes is None:
        raise DatasetError(
            f"the target {target} requires FER+ votes, but not every face has them. Use the target "
            "label, or a source with votes."
        )
    found = vote_targets(faces.votes, target)
    rows = np.flatnonzero(found.labels >= 0)
    if not len(rows):
        raise DatasetError(
            f"none of {len(faces)} faces has a {target} target. Use the target label, or "
            "another source."
        )
    reasons = Counter(found.reasons[found.labels < 0].tolist())
    chosen = replace(faces.take(rows), labels=found.labels[rows])
    return TargetedFaces(chosen, found.shares[rows], dict(sorted(reasons.items())))


def vote_targets(votes: Votes, target: Target) -> VoteTargets:
    """Convert votes to targets.

    Args:
        votes: uint8 (N, 10), in the order of `votes.VOTE_NAMES`.
        target: One of `majority`, `soft` and `multi`.
    """
    # Many of the 35,887 images have the same votes, so each pattern is computed once.
    patterns, pattern_of = np.unique(votes, axis=0, return_inverse=True)
    columns = vote_columns()
    shares = np.zeros((len(patterns), N_EMOTIONS), np.float32)
    labels = np.full(len(patterns), -1, np.int64)
    reasons = np.full(len(patterns), "", f"<U{max(map(len, (*VOTE_NAMES, _UNDECIDED)))}")
    for row, counts in enumerate(patterns.astype(np.int64)):
        weights = _KINDS[target](np.where(counts < _MIN_VOTES, 0, counts))
        if not weights.any():
            reasons[row] = _UNDECIDED
            continue
        emotion_weights = weights[columns]
        chosen = np.where(weights > 0, counts, -1)
        if chosen[columns].max() < chosen.max():
            reasons[row] = VOTE_NAMES[chosen.argmax()]
            continue
        shares[row] = emotion_weights / emotion_weights.sum()
        labels[row] = np.lexsort((-np.arange(N_EMOTIONS), counts[columns], emotion_weights))[-1]
    flat = pattern_of.reshape(-1)
    return VoteTargets(shares[flat], labels[flat], reasons[flat])


def _majority(counts: _Counts) -> npt.NDArray[np.float64]:
    chosen = np.zeros(N_VOTES)
    if np.count_nonzero(counts == counts.max()) == 1:
        chosen[counts.argmax()] = 1
    return chosen


def _soft(counts: _Counts) -> npt.NDArray[np.float64]:
    chosen = np.zeros(N_VOTES)
    n_votes = counts.sum()
    # Classes with the same number of votes are taken together or not at all.
    for level in np.unique(counts[counts > 0])[::-1]:
        if chosen.sum() >= _SOFT_COVERED * n_votes or np.count_nonzero(chosen) >= _SOFT_CLASSES:
            break
        chosen[counts == level] = level
    is_enough = chosen.sum() > _SOFT_MIN_SHARE * n_votes
    return chosen if is_enough and np.count_nonzero(chosen) <= _SOFT_CLASSES else np.zeros(N_VOTES)


def _multi(counts: _Counts) -> npt.NDArray[np.float64]:
    n_votes = counts.sum()
    chosen = (counts >= _MULTI_SHARE * n_votes) & (counts > 0)
    is_enough = counts[chosen].sum() > _MULTI_MIN_SHARE * n_votes
    return chosen.astype(np.float64) if is_enough else np.zeros(N_VOTES)


_KINDS = {Target.MAJORITY: _majority, Target.SOFT: _soft, Target.MULTI: _multi}
