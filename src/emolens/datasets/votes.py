"""FER+'s votes: ten raters per FER2013 image.

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
    """Convert counts, uint8 (N, 10), to shares, float32 (N, 10), with a sum of 1 or no votes."""
    totals = votes.sum(axis=1, keepdims=True, dtype=np.float32)
    return np.asarray(votes / np.maximum(totals, 1), np.float32)


def is_not_a_face(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Mark the rows of uint8 (N, 10) with the most votes for "not a face", as bool (N,)."""
    return np.asarray((votes.argmax(axis=1) == NOT_FACE) & (votes[:, NOT_FACE] > 0))


def majority_votes(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the majority vote of each face.

    Args:
        votes: uint8 (N, 10).

    Returns:
        Indices into `VOTE_NAMES`, int64 (N,); -1 for a tie or no votes.
    """
    most = votes.max(axis=1, keepdims=True)
    is_unique = ((votes == most).sum(axis=1) == 1) & (most[:, 0] > 0)
    return np.where(is_unique, votes.argmax(axis=1), -1).astype(np.int64)


def vote_columns() -> npt.NDArray[np.int64]:
    """Return the index in `VOTE_NAMES` of each `Emotion`, in its order, as int64 (7,)."""
    return np.array([VOTE_NAMES.index(_VOTE_NAME_OF[emotion]) for emotion in Emotion], np.int64)
