from dataclasses import replace

import numpy as np
import pytest

from emolens.core.face import QualityReason
from emolens.datasets.faces import DetectedFace
from emolens.evaluation.detection import detection_metrics, image_hits, rows_with_face
from emolens.testing import drawn_faces
from tests.unit.evaluation.cases import answers

NO_FACE = DetectedFace(0)
FACE = DetectedFace(1)
SEVERAL = DetectedFace(3)
DARK = DetectedFace(1, (QualityReason.TOO_DARK, QualityReason.BLURRED))


def test_only_labelled_images_can_be_correct() -> None:
    detected = (FACE, FACE, SEVERAL, DARK, DARK, NO_FACE)
    hits = np.array([True, False, True, True, False, False])
    found = detection_metrics(detected, hits, np.arange(6))
    assert (found.n_images, found.n_no_face, found.n_not_assessable) == (6, 1, 2)
    assert found.n_several_faces == 1
    assert found.n_with_label == 3
    assert found.reasons == {"too_dark": 2, "blurred": 2}
    assert (found.all_images.n, found.all_images.accuracy) == (6, 2 / 6)
    assert found.with_face is not None
    assert (found.with_face.n, found.with_face.accuracy) == (5, 3 / 5)
    assert found.with_label is not None
    assert (found.with_label.n, found.with_label.accuracy) == (3, 2 / 3)
    low, high = found.all_images.accuracy_ci95
    assert 0 <= low < 2 / 6 < high <= 1


def test_intervals_are_wider_if_images_repeat() -> None:
    detected, hits = (FACE,) * 80, np.arange(80) % 2 == 0
    alone = detection_metrics(detected, hits, np.arange(80)).all_images.accuracy_ci95
    hits_in_tens = np.arange(80) // 10 % 2 == 0
    tens = detection_metrics(detected, hits_in_tens, np.arange(80) // 10).all_images.accuracy_ci95
    assert tens[1] - tens[0] > 2 * (alone[1] - alone[0])


def test_without_any_face_there_is_no_accuracy_of_faces() -> None:
    found = detection_metrics((NO_FACE, NO_FACE), np.zeros(2, np.bool_), np.arange(2))
    assert found.all_images.accuracy == 0
    assert found.with_face is None
    assert found.with_label is None
    assert found.to_dict()["with_face"] is None


def test_hits_of_faces_are_spread_over_the_images() -> None:
    faces = drawn_faces(7)
    assert rows_with_face(faces).tolist() == list(range(7))
    detected = replace(faces, detected=(FACE, NO_FACE, SEVERAL, NO_FACE, DARK, FACE, FACE))
    rows = rows_with_face(detected)
    assert rows.tolist() == [0, 2, 4, 5, 6]
    right = answers(detected.take(rows), share_right=1.0)
    assert image_hits(right, rows, 7).tolist() == [True, False, True, False, True, True, True]
    assert detected.take(rows).detected == (FACE, SEVERAL, DARK, FACE, FACE)


def test_plain_values_have_no_objects() -> None:
    plain = detection_metrics((DARK,), np.array([True]), np.arange(1)).to_dict()
    assert plain["reasons"] == {"too_dark": 1, "blurred": 1}
    assert plain["all_images"] == {"n": 1, "accuracy": 0.0, "accuracy_ci95": (0.0, 0.0)}
    assert plain["with_label"] is None


@pytest.mark.parametrize("n_faces", [0, 1])
def test_faces_have_a_label_only_if_they_can_be_assessed(n_faces: int) -> None:
    assert DetectedFace(n_faces).has_label == (n_faces > 0)
    assert not DetectedFace(n_faces, (QualityReason.BLURRED,)).has_label
