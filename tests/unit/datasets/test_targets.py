from random import Random

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSet
from emolens.datasets.readers.fer2013_parquet import parquet_files
from emolens.datasets.targets import Target, VoteTargets, vote_targets, with_targets
from emolens.datasets.votes import N_VOTES, VOTE_NAMES, majority_votes, vote_columns
from tests.real_data import FER2013

FROM_VOTES = (Target.MAJORITY, Target.SOFT, Target.MULTI)


def votes(**counts: int) -> npt.NDArray[np.uint8]:
    """One row of votes, by FER+'s names of the answers."""
    row = np.zeros((1, N_VOTES), np.uint8)
    for name, count in counts.items():
        row[0, VOTE_NAMES.index(name)] = count
    return row


def shares_of(found: VoteTargets) -> dict[str, float]:
    """The shares of a single face that are above 0, by label."""
    return {LABELS[i]: round(float(s), 4) for i, s in enumerate(found.shares[0]) if s}


@pytest.mark.parametrize(
    ("counts", "label"),
    [
        ({"anger": 6, "fear": 4}, "angry"),
        ({"fear": 3, "anger": 2, "sadness": 2, "disgust": 2}, "fear"),  # far from half
        ({"happiness": 2, "fear": 1, "anger": 1, "sadness": 1}, "happy"),
        ({"neutral": 5, "contempt": 4}, "neutral"),
    ],
)
def test_the_majority_is_the_answer_given_most_often(counts: dict[str, int], label: str) -> None:
    found = vote_targets(votes(**counts), Target.MAJORITY)
    assert shares_of(found) == {label: 1.0}
    assert LABELS[found.labels[0]] == label
    assert found.reasons.tolist() == [""]


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ({"happiness": 10}, {"happy": 1.0}),
        # 8 of 10 are three quarters: the rest is not looked at.
        ({"happiness": 8, "neutral": 2}, {"happy": 1.0}),
        # 6 of 8 are exactly that, once the two single votes are gone.
        ({"sadness": 6, "neutral": 2, "fear": 1, "anger": 1}, {"sad": 1.0}),
        ({"happiness": 7, "neutral": 3}, {"happy": 0.7, "neutral": 0.3}),
        ({"anger": 4, "disgust": 3, "fear": 3}, {"angry": 0.4, "disgust": 0.3, "fear": 0.3}),
        # Fear, sadness and neutral come together: that would be five answers.
        ({"anger": 4, "disgust": 3, "fear": 2, "sadness": 2, "neutral": 2}, None),
        (
            {"anger": 4, "disgust": 3, "fear": 2, "sadness": 1, "neutral": 1},
            {"angry": 0.5714, "disgust": 0.4286},  # 7 of 9
        ),
        # The share of an answer that is not ours is taken out, the others share the rest.
        ({"neutral": 5, "contempt": 3, "sadness": 2}, {"neutral": 1.0}),
        ({"neutral": 4, "sadness": 2, "contempt": 3}, {"neutral": 1.0}),
    ],
)
def test_soft_takes_the_commonest_answers_up_to_three_quarters(
    counts: dict[str, int], shares: dict[str, float] | None
) -> None:
    found = vote_targets(votes(**counts), Target.SOFT)
    assert shares_of(found) == pytest.approx(shares or {}, abs=1e-4)
    assert found.reasons.tolist() == ["" if shares else "undecided"]


@pytest.mark.parametrize(
    ("counts", "labels"),
    [
        # The three that come together make it four answers.
        ({"neutral": 9, "anger": 3, "disgust": 3, "fear": 3}, set()),
        # The first three hold 27 of 54 votes, which is half; then 27 of 53.
        ({"sadness": 7, "surprise": 7, "neutral": 7, "happiness": 6}, set()),
        ({"sadness": 7, "surprise": 7, "neutral": 7, "happiness": 5}, {"angry", "disgust", "fear"}),
    ],
)
def test_soft_wants_three_answers_at_most_and_more_than_half(
    counts: dict[str, int], labels: set[str]
) -> None:
    found = vote_targets(votes(**{"anger": 10, "disgust": 9, "fear": 8} | counts), Target.SOFT)
    assert set(shares_of(found)) == labels
    assert (found.reasons[0] == "undecided") == (not labels)


@pytest.mark.parametrize(
    ("counts", "labels"),
    [
        ({"happiness": 10}, ["happy"]),
        ({"fear": 3, "surprise": 3, "neutral": 2, "sadness": 2}, ["fear", "surprise"]),
        ({"fear": 4, "surprise": 3, "happiness": 3}, ["fear", "happy", "surprise"]),
        # 2 of 7 are less than three tenths, and the other answer alone is more than half.
        ({"fear": 5, "surprise": 2}, ["fear"]),
        ({"anger": 6, "disgust": 2, "sadness": 2}, ["angry"]),
    ],
)
def test_multi_takes_every_answer_with_three_tenths(
    counts: dict[str, int], labels: list[str]
) -> None:
    found = vote_targets(votes(**counts), Target.MULTI)
    assert shares_of(found) == pytest.approx(dict.fromkeys(labels, 1 / len(labels)), abs=1e-4)


def test_multi_wants_more_than_half_of_the_votes() -> None:
    half = votes(anger=5, fear=2, sadness=2, neutral=1)  # 5 of 9
    assert vote_targets(half, Target.MULTI).labels.tolist() == [Emotion.ANGRY.index]
    exactly = votes(anger=4, fear=2, sadness=2)  # 4 of 8
    assert vote_targets(exactly, Target.MULTI).reasons.tolist() == ["undecided"]


@pytest.mark.parametrize("target", FROM_VOTES)
@pytest.mark.parametrize("name", ["contempt", "unknown", "not_face"])
def test_what_is_not_ours_is_a_reason(target: Target, name: str) -> None:
    found = vote_targets(votes(**{name: 8, "neutral": 2}), target)
    assert found.reasons.tolist() == [name]
    assert found.labels.tolist() == [-1]
    assert not found.shares.any()


@pytest.mark.parametrize("target", FROM_VOTES)
@pytest.mark.parametrize(
    "counts",
    [{}, dict.fromkeys(VOTE_NAMES, 1), {"fear": 1}, dict.fromkeys(VOTE_NAMES, 2)],
    ids=["nobody", "all alone", "one", "no two agree more than others"],
)
def test_who_agrees_with_nobody_decides_nothing(target: Target, counts: dict[str, int]) -> None:
    found = vote_targets(votes(**counts), target)
    assert found.reasons.tolist() == ["undecided"]
    assert found.labels.tolist() == [-1]


@pytest.mark.parametrize("target", FROM_VOTES)
def test_an_answer_given_once_is_a_slip(target: Target) -> None:
    slips = dict.fromkeys(("anger", "disgust", "fear", "sadness", "neutral", "unknown"), 1)
    found = vote_targets(votes(surprise=2, **slips), target)
    assert shares_of(found) == {"surprise": 1.0}


def test_a_tie_is_no_majority_and_otherwise_the_first_class_is_the_label() -> None:
    tied = votes(sadness=5, fear=5)
    assert vote_targets(tied, Target.MAJORITY).reasons.tolist() == ["undecided"]
    for target in (Target.SOFT, Target.MULTI):
        found = vote_targets(tied, target)
        assert shares_of(found) == {"fear": 0.5, "sad": 0.5}
        assert found.labels.tolist() == [Emotion.FEAR.index]
    # Of classes that are equally right, the one with more votes is the label.
    more_sad = vote_targets(votes(sadness=5, fear=4), Target.MULTI)
    assert more_sad.labels.tolist() == [Emotion.SAD.index]


def test_a_tie_with_an_answer_that_is_not_ours_leaves_the_face_with_its_class() -> None:
    tied = vote_targets(votes(contempt=5, anger=5), Target.SOFT)
    assert shares_of(tied) == {"angry": 1.0}
    outvoted = vote_targets(votes(contempt=6, anger=4), Target.SOFT)
    assert outvoted.reasons.tolist() == ["contempt"]


some_votes = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.just(N_VOTES)), elements=st.integers(0, 10)
)


@given(some_votes, st.sampled_from(FROM_VOTES))
def test_a_face_has_a_whole_target_or_a_reason(
    counts: npt.NDArray[np.uint8], target: Target
) -> None:
    found = vote_targets(counts, target)
    has = found.labels >= 0
    assert found.shares.dtype == np.float32
    np.testing.assert_allclose(found.shares.sum(axis=1), has, atol=1e-6)
    assert (found.shares >= 0).all()
    chosen = found.shares[has, found.labels[has]]
    assert (chosen == found.shares[has].max(axis=1)).all()
    assert ((found.reasons == "") == has).all()
    assert set(found.reasons.tolist()) <= {"", "contempt", "unknown", "not_face", "undecided"}
    # Nothing is right that fewer than two raters say.
    assert (counts[:, vote_columns()][found.shares > 0] >= 2).all()


@given(some_votes, st.sampled_from(FROM_VOTES), st.randoms())
def test_the_order_of_faces_does_not_matter(
    counts: npt.NDArray[np.uint8], target: Target, random: Random
) -> None:
    order = list(range(len(counts)))
    random.shuffle(order)
    found, shuffled = vote_targets(counts, target), vote_targets(counts[order], target)
    np.testing.assert_array_equal(found.shares[order], shuffled.shares)
    np.testing.assert_array_equal(found.labels[order], shuffled.labels)
    np.testing.assert_array_equal(found.reasons[order], shuffled.reasons)


@given(some_votes)
def test_the_majority_is_that_of_the_votes_where_it_is_ours(
    counts: npt.NDArray[np.uint8],
) -> None:
    found = vote_targets(counts, Target.MAJORITY)
    has = found.labels >= 0
    named = vote_columns()[found.labels[has]]
    np.testing.assert_array_equal(named, majority_votes(counts)[has])


def face_set(counts: npt.NDArray[np.uint8] | None, n_faces: int = 3) -> FaceSet:
    images = np.arange(n_faces * 4, dtype=np.uint8).reshape(n_faces, 2, 2)
    places = tuple(f"row {row}" for row in range(n_faces))
    return FaceSet(images, np.zeros(n_faces, np.int64), places, counts, places)


def test_faces_without_target_are_left_out_and_counted() -> None:
    counts = np.concatenate(
        [
            votes(unknown=9),
            votes(happiness=9),
            votes(sadness=5, fear=5),
            votes(fear=9),
            votes(unknown=8),
        ]
    )
    found = with_targets(face_set(counts, 5), Target.MAJORITY)
    assert found.faces.labels.tolist() == [Emotion.HAPPY.index, Emotion.FEAR.index]
    assert found.faces.locations == found.faces.subjects == ("row 1", "row 3")
    assert found.faces.images[:, 0, 0].tolist() == [4, 12]
    assert found.shares.argmax(axis=1).tolist() == [Emotion.HAPPY.index, Emotion.FEAR.index]
    assert found.n_without == {"undecided": 1, "unknown": 2}


def test_the_label_needs_no_votes() -> None:
    faces = face_set(None)
    found = with_targets(faces, Target.LABEL)
    assert found.faces is faces
    np.testing.assert_array_equal(found.shares, np.eye(7)[[0, 0, 0]])
    assert found.n_without == {}


@pytest.mark.parametrize("target", FROM_VOTES)
def test_other_targets_do(target: Target) -> None:
    with pytest.raises(DatasetError, match=f"the target {target} requires FER.* the target l"):
        with_targets(face_set(None), target)
    with pytest.raises(DatasetError, match=f"none of 3 faces has a {target} target"):
        with_targets(face_set(np.zeros((3, N_VOTES), np.uint8)), target)


@pytest.fixture(scope="module")
def fer2013() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Votes and labels of Training and PublicTest together, without the images."""
    if not FER2013.is_dir():
        pytest.skip("needs fer2013 in EMOLENS_DATA")
    names = ["emotion", *(f"ferplus_{name}" for name in VOTE_NAMES)]
    tables = [pq.read_table(file, columns=names) for file in parquet_files(FER2013)]
    rows = np.concatenate([np.stack([t[n].to_numpy() for n in names], axis=1) for t in tables])
    return rows[:, 1:].astype(np.uint8), rows[:, 0].astype(np.int64)


def test_most_raters_see_the_label_of_two_real_faces_of_three(
    fer2013: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
) -> None:
    counts, labels = fer2013
    assert len(labels) == 28_709 + 3_589
    ours = counts[:, vote_columns()]
    is_label = ours.argmax(axis=1) == labels
    assert round(100 * is_label.mean()) == 64
    is_unique = (ours == ours.max(axis=1, keepdims=True)).sum(axis=1) == 1
    assert round(100 * is_label[is_unique].mean()) == 65


PUBLISHED = {
    "fear": (15, 15),
    "disgust": (38, 46),
    "sad": (42, 46),
    "angry": (52, 55),
    "surprise": (76, 83),
    "neutral": (84, 86),
    "happy": (91, 93),
}


@pytest.mark.parametrize("target", [Target.SOFT, Target.MULTI])
def test_targets_of_real_faces_name_their_label_as_often_as_published(
    fer2013: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]], target: Target
) -> None:
    counts, labels = fer2013
    found = vote_targets(counts, target)
    has = found.labels >= 0
    is_label = found.labels == labels
    assert 64 <= round(100 * is_label[has].mean()) <= 66
    for index, label in enumerate(LABELS):
        low, high = PUBLISHED[label]
        assert low <= round(100 * is_label[has & (labels == index)].mean()) <= high, label


@pytest.mark.parametrize(
    ("target", "n_without"),
    [
        (Target.MAJORITY, {"undecided": 1606, "unknown": 195, "contempt": 186, "not_face": 161}),
        (Target.SOFT, {"undecided": 368, "contempt": 182, "unknown": 175, "not_face": 161}),
        (Target.MULTI, {"undecided": 852, "contempt": 163, "unknown": 142, "not_face": 161}),
    ],
)
def test_so_many_real_faces_have_no_target(
    fer2013: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
    target: Target,
    n_without: dict[str, int],
) -> None:
    reasons = vote_targets(fer2013[0], target).reasons
    names, numbers = np.unique(reasons[reasons != ""], return_counts=True)
    assert dict(zip(names.tolist(), numbers.tolist(), strict=True)) == n_without
