import numpy as np
import pytest

from emolens.core.emotion import LABELS
from emolens.curation.label_agreement import label_agreement
from emolens.datasets.votes import N_VOTES, VOTE_NAMES


def votes(**counts: int) -> list[int]:
    """One row in FER+'s order."""
    return [counts.get(name, 0) for name in VOTE_NAMES]


def test_only_unique_majorities_count() -> None:
    rows = [
        votes(happiness=9, neutral=1),
        votes(happiness=4, neutral=6),
        votes(happiness=5, neutral=5),
        votes(),
        votes(not_face=10),
        votes(anger=10),
    ]
    labels = np.array([3, 3, 3, 3, 4, 0], np.int64)
    agreement = label_agreement(labels, np.array(rows, np.uint8))
    happy = agreement["happy"]
    assert (happy.n_voted, happy.n_unique, happy.n_agreeing) == (3, 2, 1)
    assert happy.share == pytest.approx(0.5)
    assert agreement["sad"].share == 0
    assert agreement["angry"].share == 1
    assert agreement["all"].to_dict() == {
        "n_voted": 5,
        "n_unique": 4,
        "n_agreeing": 2,
        "share": 0.5,
    }


def test_without_votes_no_share_is_defined() -> None:
    agreement = label_agreement(np.zeros(0, np.int64), np.zeros((0, N_VOTES), np.uint8))
    assert list(agreement) == [*LABELS, "all"]
    assert {of_label.share for of_label in agreement.values()} == {None}
