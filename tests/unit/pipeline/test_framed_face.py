import numpy as np
import pytest

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.face import FaceDetection, QualityReason
from emolens.core.geometry import Box
from emolens.pipeline.framed_face import cut_faces

SCORES = EmotionScores(np.array([0, 0, 0, 0.9, 0.1, 0, 0], np.float32))


def test_no_regions_give_no_faces() -> None:
    assert cut_faces(np.zeros((9, 9, 3), np.uint8), [], size_px=48) == []


def test_faces_are_cut_in_the_order_given(rng: np.random.Generator) -> None:
    image = rng.integers(0, 255, (100, 200, 3)).astype(np.uint8)
    image[:, :100], image[:, 100:] = image[:, :100] // 8, 220 + image[:, 100:] // 8
    light, dark = Box(120, 20, 180, 80), Box(20, 20, 80, 80)
    detection = FaceDetection(light, 0.8)
    faces = cut_faces(image, [(light, detection), (dark, None)], size_px=24)
    assert [face.crop.shape for face in faces] == [(24, 24), (24, 24)]
    assert faces[0].crop.min() > 200
    assert faces[1].crop.max() < 40
    assert faces[0].detection is detection
    assert faces[0].size_wh == (200, 100)


def test_a_named_face_has_the_box_of_its_detection_inside_the_picture(
    rng: np.random.Generator,
) -> None:
    image = rng.integers(0, 255, (100, 200, 3)).astype(np.uint8)
    detection = FaceDetection(Box(-5, 10, 60, 70), 0.8)
    square = Box(-3, 5, 67, 75)
    (face,) = cut_faces(image, [(square, detection)], size_px=48)
    named = face.named(SCORES)
    assert named.box == Box(0, 10, 60, 70)
    assert named.detection_score == 0.8
    assert named.label is Emotion.HAPPY
    assert (named.smoothed, named.track_id) == (None, None)
    assert named.quality.size_px == pytest.approx(70)


def test_what_cannot_be_read_has_no_label() -> None:
    flat = np.full((100, 100, 3), 90, np.uint8)
    (face,) = cut_faces(flat, [(Box(10, 10, 20, 20), None)], size_px=48)
    assert face.assess().reasons == (QualityReason.TOO_SMALL, QualityReason.BLURRED)
    named = face.named(SCORES)
    assert (named.label, named.top) == (None, Emotion.HAPPY)
    assert named.box == Box(10, 10, 20, 20)
