import numpy as np
import numpy.typing as npt
import pytest

from emolens.datasets.faces import FaceSet
from emolens.datasets.votes import N_VOTES
from emolens.evaluation.predictions import Predictions
from emolens.evaluation.slices import slice_all


def face_set(images: npt.NDArray[np.uint8], votes: npt.NDArray[np.uint8] | None) -> FaceSet:
    n_faces = len(images)
    return FaceSet(images, np.zeros(n_faces, np.int64), tuple(map(str, range(n_faces))), votes)


def predictions(hits: npt.NDArray[np.bool_]) -> Predictions:
    return Predictions(np.eye(7)[np.where(hits, 0, 1)], np.zeros(len(hits), np.int64))


def test_every_division_holds_every_face_and_its_parts_add_up(
    gray_faces: npt.NDArray[np.uint8], rng: np.random.Generator
) -> None:
    votes = rng.multinomial(10, np.ones(N_VOTES) / N_VOTES, len(gray_faces)).astype(np.uint8)
    hits = rng.random(len(gray_faces)) < 0.7
    divisions = slice_all(predictions(hits), face_set(gray_faces, votes))
    assert [division.by.split()[0] for division in divisions] == [
        "agreement",
        "sharpness",
        "contrast",
    ]
    for division in divisions:
        assert sum(part.n for part in division.parts) == len(gray_faces)
        n_hits = sum(part.n * (part.accuracy or 0) for part in division.parts)
        assert n_hits == pytest.approx(hits.sum())


def test_contrast_divides_by_contrast() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (40, 48, 48))
    strength = np.repeat([5, 15, 25, 35], 10)[:, None, None]
    images = (128 + strength * noise).clip(0, 255).astype(np.uint8)
    hits = np.repeat([False, False, True, True], 10)
    by_contrast = slice_all(predictions(hits), face_set(images, None))[-1]
    assert [part.accuracy for part in by_contrast.parts] == [0, 0, 1, 1]
    assert [part.n for part in by_contrast.parts] == [10] * 4


def test_levels_of_agreement_are_those_of_ten_raters() -> None:
    votes = np.zeros((4, N_VOTES), np.uint8)
    votes[np.arange(4), 0] = (4, 5, 8, 9)
    votes[np.arange(4), 9] = (6, 5, 2, 1)
    images = np.zeros((4, 48, 48), np.uint8)
    division = slice_all(predictions(np.array([True, False, True, True])), face_set(images, votes))[
        0
    ]
    assert [(part.n, part.accuracy) for part in division.parts] == [(1, 1), (1, 0), (1, 1), (1, 1)]


def test_a_part_without_faces_has_no_metrics() -> None:
    images = np.zeros((3, 48, 48), np.uint8)
    parts = slice_all(predictions(np.array([True] * 3)), face_set(images, None))[0].parts
    assert [part.n for part in parts] == [3, 0, 0, 0]
    assert parts[1].accuracy is None
    assert parts[1].ci95 is None
