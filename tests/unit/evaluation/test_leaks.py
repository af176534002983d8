import numpy as np

from emolens.datasets.faces import FaceSet
from emolens.evaluation.leaks import find_leaks
from tests.drawings import drawn_face


def face_set(*seeds: int) -> FaceSet:
    images = np.stack([drawn_face(seed) for seed in seeds])
    return FaceSet(images, np.zeros(len(seeds), np.int64), tuple(map(str, seeds)))


def test_copies_are_found_among_the_faces_and_in_the_training_rows() -> None:
    training, evaluated = face_set(*range(14)), face_set(*range(20, 34))
    images = evaluated.images.copy()
    images[3] = training.images[5]
    images[8] = np.clip(training.images[6].astype(np.int64) * 0.9 + 6, 0, 255).astype(np.uint8)
    images[9] = images[0]
    faces = FaceSet(images, evaluated.labels, evaluated.locations)
    seen: list[int] = []
    found = find_leaks(faces, training, seen.append)
    assert found.exact is not None
    assert found.near is not None
    assert np.flatnonzero(found.exact).tolist() == [3]
    assert np.flatnonzero(found.near).tolist() == [3, 8]
    assert found.groups[9] == found.groups[0]
    assert len(np.unique(found.groups)) == 13
    assert seen[-1] == 28


def test_without_training_rows_nothing_is_said_about_leaks() -> None:
    faces = face_set(*range(7))
    found = find_leaks(faces, None)
    assert (found.exact, found.near) == (None, None)
    assert len(np.unique(found.groups)) == 7


def test_training_rows_that_are_copies_of_each_other_leak_nothing() -> None:
    training, evaluated = face_set(*range(14)), face_set(*range(20, 27))
    doubled = training.take(np.repeat(np.arange(14), 2))
    found = find_leaks(evaluated, doubled)
    assert found.near is not None
    assert not found.near.any()
