"""FER+: what ten raters saw in every FER2013 image.

Source: Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution" (ICMI 2016; the votes are published under the MIT licence).
"""

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion

VOTE_NAMES = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"),
    *("contempt", "unknown", "not_face"),
)
"""The columns of the votes, in FER+'s own order."""
N_VOTES = len(VOTE_NAMES)
NOT_FACE = VOTE_NAMES.index("not_face")
_VOTE_NAME_OF = {
    Emotion.ANGRY: "anger",
    Emotion.DISGUST: "disgust",
    Emotion.FEAR: "fear",
    Emotion.HAPPY: "happiness",
    Emotion.SAD: "sadness",
    Emotion.SURPRISE: "surprise",
    Emotion.NEUTRAL: "neutral",
}


def vote_shares(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Counts uint8 (N, 10) as shares float32 (N, 10) that add up to 1 where anybody voted."""
    totals = votes.sum(axis=1, keepdims=True, dtype=np.float32)
    return np.asarray(votes / np.maximum(totals, 1), np.float32)


def is_not_a_face(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which rows of uint8 (N, 10) have "not a face" as the answer most often given, bool (N,)."""
    return np.asarray((votes.argmax(axis=1) == NOT_FACE) & (votes[:, NOT_FACE] > 0))


def majority_votes(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The answer most often given, as an index into `VOTE_NAMES`.

    Args:
        votes: uint8 (N, 10).

    Returns:
        int64 (N,); -1 where two or more answers share the first place, or nobody voted.
    """
    most = votes.max(axis=1, keepdims=True)
    is_unique = ((votes == most).sum(axis=1) == 1) & (most[:, 0] > 0)
    return np.where(is_unique, votes.argmax(axis=1), -1).astype(np.int64)


def vote_columns() -> npt.NDArray[np.int64]:
    """int64 (7,): for each `Emotion`, in its order, its place in `VOTE_NAMES`."""
    return np.array([VOTE_NAMES.index(_VOTE_NAME_OF[emotion]) for emotion in Emotion], np.int64)
