import numpy as np
import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.cleaning import DropRule, drop_faces
from emolens.datasets.faces import FaceSet
from emolens.datasets.votes import N_VOTES, NOT_FACE


def face_set(values: list[int], labels: list[int], *, has_votes: bool = False) -> FaceSet:
    """Faces of one grey value each; a rater calls black ones no face."""
    images = np.array(values, np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    votes = np.zeros((len(values), N_VOTES), np.uint8)
    votes[:, 0] = 5
    votes[np.array(values) == 0, NOT_FACE] = 6
    return FaceSet(
        images,
        np.array(labels, np.int64),
        tuple(map(str, range(len(labels)))),
        votes if has_votes else None,
    )


HELD_OUT = face_set([9], [0])


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (DropRule.NOT_A_FACE, [1, 2, 3, 4, 5, 6]),
        (DropRule.DUPLICATES, [0, 1, 3, 4, 5, 6]),
        (DropRule.CONFLICTS, [0, 1, 2, 5, 6]),
        (DropRule.LEAKS, [0, 1, 2, 3, 4, 6]),
    ],
)
def test_every_rule_drops_what_it_names(rule: DropRule, kept: list[int]) -> None:
    faces = face_set([0, 1, 1, 2, 2, 9, 5], [0, 1, 1, 2, 3, 4, 4], has_votes=True)
    left, counts = drop_faces(faces, [rule], HELD_OUT)
    assert [int(location) for location in left.locations] == kept
    assert counts == {rule: len(faces) - len(kept)}
    np.testing.assert_array_equal(left.images[:, 0, 0], faces.images[kept, 0, 0])
    assert left.votes is not None
    assert len(left.votes) == len(left)


def test_no_rules_keep_everything() -> None:
    faces = face_set([1, 1], [0, 1])
    left, counts = drop_faces(faces, [], HELD_OUT)
    assert len(left) == 2
    assert counts == {}


def test_rules_together_drop_what_any_names() -> None:
    faces = face_set([0, 1, 1, 9, 3], [0, 1, 1, 4, 4], has_votes=True)
    left, _ = drop_faces(faces, list(DropRule), HELD_OUT)
    assert left.locations == ("1", "4")


def test_missing_votes_are_named() -> None:
    with pytest.raises(
        DatasetError, match="not_a_face requires FER\\+ votes, but the data set has none"
    ):
        drop_faces(face_set([1], [0]), [DropRule.NOT_A_FACE], HELD_OUT)


def test_dropping_everything_is_an_error() -> None:
    with pytest.raises(DatasetError, match="no training face is left after the rules leaks"):
        drop_faces(face_set([9, 9], [0, 0]), [DropRule.LEAKS], HELD_OUT)
