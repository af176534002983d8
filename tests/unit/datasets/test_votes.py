import numpy as np

from emolens.datasets.votes import N_VOTES, NOT_FACE, is_not_a_face, vote_shares


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
