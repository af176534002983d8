from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.face import FaceDetection, FaceRoll, QualityReason
from emolens.core.geometry import Box, Framing
from emolens.pipeline.framed_face import cut_faces, face_region

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


def test_a_named_face_has_the_box_of_its_detection_inside_the_image(
    rng: np.random.Generator,
) -> None:
    image = rng.integers(0, 255, (100, 200, 3)).astype(np.uint8)
    detection = FaceDetection(Box(-5, 10, 60, 70), 0.8)
    square = Box(-3, 5, 67, 75)
    (face,) = cut_faces(image, [(square, detection)], size_px=48)
    named = face.to_result(SCORES)
    assert named.box == Box(0, 10, 60, 70)
    assert named.detection_score == 0.8
    assert named.label is Emotion.HAPPY
    assert (named.smoothed, named.track_id) == (None, None)
    assert named.quality.size_px == pytest.approx(70)


def test_what_cannot_be_read_has_no_label() -> None:
    flat = np.full((100, 100, 3), 90, np.uint8)
    (face,) = cut_faces(flat, [(Box(10, 10, 20, 20), None)], size_px=48)
    assert face.assess().reasons == (QualityReason.TOO_SMALL, QualityReason.BLURRED)
    named = face.to_result(SCORES)
    assert (named.label, named.top) == (None, Emotion.HAPPY)
    assert named.box == Box(10, 10, 20, 20)


LANDMARKS = np.array([[40, 45], [60, 45], [50, 57], [43, 73], [57, 73]], np.float32)


def sideways(**checked: bool) -> FaceDetection:
    """A face whose forehead points to the right of the image."""
    landmarks = np.stack([100 - LANDMARKS[:, 1], LANDMARKS[:, 0]], axis=1)
    detection = FaceDetection(Box(20, 25, 80, 75), 0.9, landmarks)
    if checked:
        return replace(detection, checked_roll=FaceRoll(90, Box(25, 20, 75, 80), **checked))
    return detection


def test_a_rolled_face_is_cut_out_upright_whether_its_roll_was_checked_or_not() -> None:
    image = np.full((100, 100, 3), 200, np.uint8)
    image[:, 50:] = 40  # where its forehead is
    for detection in (sideways(), sideways(is_certain=True)):
        square, found = face_region(detection, Framing(0, 0.1, 1.2))
        (face,) = cut_faces(image, [(square, found)], size_px=48)
        assert face.turn_degrees == pytest.approx(90)
        assert face.to_result(SCORES).roll_degrees == pytest.approx(90)
        assert face.crop[:16].max() == 40
        assert face.crop[-16:].min() == 200


def test_the_framing_of_a_rolled_face_is_turned_with_it() -> None:
    box = sideways(is_certain=True).checked_roll
    assert box is not None
    square, _ = face_region(sideways(is_certain=True), Framing(0, 0.25, 1.0))
    # A quarter of the box's 60 px towards the chin, which is on the left.
    assert square.center_xy == pytest.approx((50 - 15, 50))


def test_an_uncertain_roll_is_a_reason_and_the_face_stays_as_it_is() -> None:
    detection = sideways(is_certain=False)
    square, found = face_region(detection, Framing(0, 0, 1))
    assert square == Framing(0, 0, 1).apply(detection.box)
    image = np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8)
    (face,) = cut_faces(image, [(square, found)], size_px=48)
    assert face.turn_degrees == 0
    named = face.to_result(SCORES)
    assert named.label is None
    assert named.quality.reasons == (QualityReason.TILTED,)
    assert named.roll_degrees is None


@pytest.mark.parametrize(
    ("height", "label"), [(80, Emotion.HAPPY), (55, Emotion.HAPPY), (50, None)]
)
def test_without_landmarks_a_box_that_is_wider_than_high_is_of_a_face_on_its_side(
    height: int, label: Emotion | None
) -> None:
    detection = FaceDetection(Box(20, 10, 80, 10 + height), 0.9)
    image = np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8)
    region = face_region(detection, Framing(0, 0, 1))
    (face,) = cut_faces(image, [region], size_px=48)
    named = face.to_result(SCORES)
    assert (named.label, named.roll_degrees) == (label, None)
    assert named.quality.reasons == (() if label else (QualityReason.TILTED,))
    assert face.turn_degrees == 0


def test_a_dark_face_is_spread_and_keeps_what_was_there(gray_faces: npt.NDArray[np.uint8]) -> None:
    image = cv2.cvtColor(gray_faces[0] // 16, cv2.COLOR_GRAY2BGR)
    (face,) = cut_faces(np.asarray(image, np.uint8), [(Box(0, 0, 48, 48), None)], size_px=48)
    assert face.levels.high < 16
    assert np.ptp(face.crop) > 128
    assert face.to_result(SCORES).label is Emotion.HAPPY


@pytest.mark.parametrize("top", [1, 6])
def test_noise_in_the_dark_is_no_face_to_read(top: int, rng: np.random.Generator) -> None:
    image = rng.integers(0, top + 1, (48, 48, 3)).astype(np.uint8)
    (face,) = cut_faces(image, [(Box(0, 0, 48, 48), None)], size_px=48)
    assert QualityReason.TOO_DARK in face.to_result(SCORES).quality.reasons
    (face,) = cut_faces(240 + image, [(Box(0, 0, 48, 48), None)], size_px=48)
    assert not face.assess().is_assessable
    assert QualityReason.TOO_DARK not in face.assess().reasons
