from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import (
    FaceDigest,
    FaceSample,
    FaceSet,
    Split,
    collect_faces,
    join_faces,
)


def sample(image: npt.NDArray[np.uint8], emotion: Emotion = Emotion.SAD) -> FaceSample:
    return FaceSample(image, emotion, Split.TRAIN, "somewhere")


def noise(seed: int, *shape: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Training", Split.TRAIN),
        ("train", Split.TRAIN),
        ("VAL", Split.VALIDATION),
        ("valid", Split.VALIDATION),
        ("validation", Split.VALIDATION),
        ("public-test", Split.VALIDATION),
        ("test", Split.TEST),
        ("Private_Test", Split.TEST),
        ("Public Test", Split.VALIDATION),
        (" Testing ", Split.TEST),
    ],
)
def test_a_split_is_found_by_its_common_names(name: str, split: Split) -> None:
    assert Split.from_name(name) is split


def test_an_unknown_split_names_the_allowed_ones() -> None:
    with pytest.raises(
        DatasetError, match=r"unknown split 'holdout'; allowed: train, validation, t"
    ):
        Split.from_name("holdout")


def test_faces_of_the_asked_size_stay_untouched() -> None:
    images = [noise(seed, 48, 48) for seed in range(3)]

    faces = collect_faces(map(sample, images), 48)

    assert (faces.images == np.stack(images)).all()
    assert faces.images.dtype == np.uint8
    assert faces.labels.tolist() == [Emotion.SAD.index] * 3
    assert faces.locations == ("somewhere",) * 3


@pytest.mark.parametrize("shape", [(96, 96), (24, 24), (50, 30), (1, 1), (48, 49)])
def test_other_sizes_become_a_square(shape: tuple[int, int]) -> None:
    faces = collect_faces([sample(np.full(shape, 77, np.uint8))], 48)

    assert faces.images.shape == (1, 48, 48)
    assert (faces.images == 77).all()


def test_shrinking_averages_areas() -> None:
    board = np.indices((96, 96)).sum(0).astype(np.uint8) % 2 * 200

    assert (collect_faces([sample(board)], 48).images == 100).all()


def test_a_view_with_gaps_is_read_rightly() -> None:
    image = noise(0, 96, 96)[::2, ::2]

    assert (collect_faces([sample(image)], 48).images[0] == image).all()


def test_no_faces_give_empty_arrays() -> None:
    faces = collect_faces([], 48)

    assert len(faces) == 0
    assert faces.images.shape == (0, 48, 48)
    assert faces.class_counts.tolist() == [0] * 7


def test_class_counts_cover_all_seven_classes() -> None:
    emotions = [Emotion.ANGRY, Emotion.NEUTRAL, Emotion.NEUTRAL]

    faces = collect_faces([sample(noise(0, 48, 48), emotion) for emotion in emotions], 48)

    assert faces.class_counts.tolist() == [1, 0, 0, 0, 0, 0, 2]


def test_the_digest_changes_with_pixels_labels_and_order() -> None:
    images, labels = noise(0, 3, 48, 48), np.arange(3)
    other_pixels = images.copy()
    other_pixels[1, 2, 3] ^= 1
    variants = [
        FaceSet(images, labels, ("a", "b", "c")),
        FaceSet(other_pixels, labels, ("a", "b", "c")),
        FaceSet(images, labels[::-1].copy(), ("a", "b", "c")),
        FaceSet(images[::-1].copy(), labels[::-1].copy(), ("a", "b", "c")),
        FaceSet(images[:2], labels[:2], ("a", "b")),
        FaceSet(images.reshape(3, 96, 24), labels, ("a", "b", "c")),
    ]

    assert len({faces.sha256 for faces in variants}) == len(variants)


def test_the_digest_ignores_locations_and_layout_in_memory() -> None:
    images, labels = noise(0, 3, 48, 48), np.arange(3)

    first = FaceSet(images, labels, ("a", "b", "c"))
    second = FaceSet(np.asfortranarray(images), labels.astype(np.int64), ("d", "e", "f"))

    assert first.sha256 == second.sha256


def test_the_digest_taken_face_by_face_is_that_of_the_set() -> None:
    faces = FaceSet(noise(0, 4, 48, 48), np.arange(4), ("",) * 4)
    digest = FaceDigest()

    for image, label in zip(faces.images, faces.labels, strict=True):
        digest.add(image, int(label))

    assert digest.hexdigest() == faces.sha256


def face_set(
    n_faces: int, name: str, *, votes: bool = False, subjects: bool = False, seed: int = 0
) -> FaceSet:
    names = tuple(f"{name} {row}" for row in range(n_faces))
    counts = np.full((n_faces, 10), 3, np.uint8) if votes else None
    labels = np.arange(n_faces) % 7
    return FaceSet(noise(seed, n_faces, 8, 8), labels, names, counts, names if subjects else None)


def test_sets_are_put_one_after_the_other() -> None:
    first, second = face_set(3, "a", subjects=True), face_set(2, "b", subjects=True, seed=1)

    joined = join_faces([first, second])

    assert len(joined) == 5
    assert (joined.images == np.concatenate([first.images, second.images])).all()
    assert joined.labels.tolist() == [0, 1, 2, 0, 1]
    assert joined.locations == joined.subjects == ("a 0", "a 1", "a 2", "b 0", "b 1")
    assert joined.votes is None


def test_one_set_alone_stays_the_same() -> None:
    faces = face_set(3, "a")

    assert join_faces([faces]) is faces


@pytest.mark.parametrize("with_votes", [(True, False), (False, True)])
def test_faces_without_votes_get_zeros_beside_those_with(with_votes: tuple[bool, bool]) -> None:
    joined = join_faces([face_set(2, str(one), votes=one) for one in with_votes])

    assert joined.votes is not None
    assert joined.votes.dtype == np.uint8
    assert joined.votes.sum(axis=1).tolist() == [30 * one for one in with_votes for _ in range(2)]


def test_people_are_known_where_every_set_knows_them() -> None:
    assert join_faces([face_set(2, "a", subjects=True), face_set(2, "b")]).subjects is None


def test_an_empty_set_adds_nothing() -> None:
    faces = face_set(3, "a", votes=True)

    joined = join_faces([faces.take(np.array([], np.int64)), faces])

    assert joined.sha256 == faces.sha256
    assert joined.locations == faces.locations


def test_votes_and_people_are_kept_where_every_face_has_them() -> None:
    votes = tuple(range(10))
    known = [
        FaceSample(noise(seed, 8, 8), Emotion.SAD, None, "", votes, f"person {seed}")
        for seed in range(2)
    ]

    every, some = collect_faces(known, 8), collect_faces([*known, sample(noise(2, 8, 8))], 8)

    assert every.votes is not None
    assert every.votes.tolist() == [list(votes)] * 2
    assert every.subjects == ("person 0", "person 1")
    assert (some.votes, some.subjects) == (None, None)
    taken = every.take(np.array([1]))
    assert taken.votes is not None
    assert taken.votes.shape == (1, 10)
    assert taken.subjects == ("person 1",)


def test_warnings_stay_with_faces_and_are_joined_once() -> None:
    parts = [
        replace(face_set(2, "a"), warnings=warnings) for warnings in (("a", "b"), ("b", "c"), ())
    ]

    assert parts[0].take(np.array([1])).warnings == ("a", "b")
    assert join_faces(parts).warnings == ("a", "b", "c")
    assert join_faces(parts[:1]).warnings == ("a", "b")
