import numpy as np

from emolens.core.emotion import Emotion
from emolens.datasets.votes import (
    N_VOTES,
    NOT_FACE,
    VOTE_NAMES,
    is_not_a_face,
    majority_votes,
    vote_columns,
    vote_shares,
)


def votes(**counts: int) -> np.ndarray:
    row = np.zeros((1, N_VOTES), np.uint8)
    for column, count in counts.items():
        row[0, int(column[1:])] = count
    return row


def test_shares_add_up_to_one() -> None:
    shares = vote_shares(votes(c0=6, c3=4))
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares[0, [0, 3]], [0.6, 0.4])
    np.testing.assert_allclose(shares.sum(), 1)


def test_nobody_voted_is_no_share_and_no_verdict() -> None:
    assert vote_shares(votes()).sum() == 0
    assert not is_not_a_face(votes())[0]


def test_the_commonest_answer_decides() -> None:
    assert is_not_a_face(votes(c9=6, c0=4))[0]
    assert not is_not_a_face(votes(c9=4, c0=6))[0]
    assert NOT_FACE == 9


def test_a_majority_is_unique_or_none() -> None:
    assert majority_votes(votes(c0=6, c3=4)).tolist() == [0]
    assert majority_votes(votes(c0=5, c3=5)).tolist() == [-1]
    assert majority_votes(votes()).tolist() == [-1]


def test_every_class_has_its_own_column() -> None:
    names = [VOTE_NAMES[column] for column in vote_columns()]
    assert names[Emotion.ANGRY.index] == "anger"
    assert names[Emotion.HAPPY.index] == "happiness"
    assert names[Emotion.NEUTRAL.index] == "neutral"
    assert len(set(names)) == 7
