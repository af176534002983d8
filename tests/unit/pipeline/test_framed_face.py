import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.face import FaceDetection, QualityReason
from emolens.core.geometry import Box
from emolens.pipeline.framed_face import cut_faces

SCORES = EmotionScores(np.array([0, 0, 0, 0.9, 0.1, 0, 0], np.float32))


def test_no_regions_give_no_faces() -> None:
    assert cut_faces(np.zeros((9, 9, 3), np.uint8), [], size_px=48) == []


def test_faces_are_cut_in_the_order_given() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[10:90, 10:90, :] = np.linspace(0, 127, 80).astype(np.uint8)[:, None]
    image[10:90, 110:190, :] = np.linspace(128, 255, 80).astype(np.uint8)[:, None]
    light, dark = Box(120, 20, 180, 80), Box(20, 20, 80, 80)
    detection = FaceDetection(light, 0.8)
    faces = cut_faces(image, [(light, detection), (dark, None)], size_px=24)
    assert [face.crop.shape for face in faces] == [(24, 24), (24, 24)]
    assert faces[0].crop.min() > 127
    assert faces[1].crop.max() < 128
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


def test_a_dark_face_is_spread_and_keeps_what_was_there(gray_faces: npt.NDArray[np.uint8]) -> None:
    image = cv2.cvtColor(gray_faces[0] // 16, cv2.COLOR_GRAY2BGR)
    (face,) = cut_faces(np.asarray(image, np.uint8), [(Box(0, 0, 48, 48), None)], size_px=48)
    assert face.levels.high < 16
    assert np.ptp(face.crop) > 128
    assert face.named(SCORES).label is Emotion.HAPPY


@pytest.mark.parametrize("top", [1, 6])
def test_noise_in_the_dark_is_no_face_to_read(top: int, rng: np.random.Generator) -> None:
    image = rng.integers(0, top + 1, (48, 48, 3)).astype(np.uint8)
    (face,) = cut_faces(image, [(Box(0, 0, 48, 48), None)], size_px=48)
    assert QualityReason.TOO_DARK in face.named(SCORES).quality.reasons
    (face,) = cut_faces(240 + image, [(Box(0, 0, 48, 48), None)], size_px=48)
    assert not face.assess().is_assessable
    assert QualityReason.TOO_DARK not in face.assess().reasons
