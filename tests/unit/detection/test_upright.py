from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box, Framing
from emolens.detection import build_detector
from emolens.detection.upright import CLOSE_UP_PX, UprightDetector
from emolens.testing import FakeDetector
from tests.turned import turned

Pixels = npt.NDArray[np.uint8]
FRONTAL = np.array([[40, 45], [60, 45], [50, 57], [43, 73], [57, 73]], np.float32)
FACE = FaceDetection(Box(25, 25, 75, 85), 0.9, FRONTAL)


class CountingDetector(FakeDetector):
    """Finds a face in the middle of every close-up, if any, and counts them."""

    def __init__(self, *faces: FaceDetection) -> None:
        super().__init__(faces)
        self.n_calls = 0

    def detect(self, image: Pixels) -> list[FaceDetection]:
        assert image.shape == (CLOSE_UP_PX, CLOSE_UP_PX, 3)
        self.n_calls += 1
        return super().detect(image)


def close_up_face(*, score: float = 0.9, roll: float = 0.0) -> FaceDetection:
    """An upright face of 60 px in the middle of a close-up, perhaps rolled clockwise."""
    middle = CLOSE_UP_PX / 2
    around = FRONTAL.mean(axis=0)
    angle = np.radians(roll)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (FRONTAL - around) @ turn.T + middle
    return FaceDetection(Box.from_center((middle, middle), 60), score, points.astype(np.float32))


def detect(found: FaceDetection, close_up: CountingDetector) -> FaceDetection:
    detector = UprightDetector(FakeDetector([found]), close_up)
    (face,) = detector.detect(np.zeros((120, 160, 3), np.uint8))
    return face


@pytest.fixture(scope="module")
def detector() -> UprightDetector:
    made = build_detector(n_threads=2)
    assert isinstance(made, UprightDetector)
    return made


def test_a_clear_upright_face_is_not_looked_at_twice() -> None:
    close_up = CountingDetector()
    assert detect(FACE, close_up) is FACE
    assert close_up.n_calls == 0
    assert FACE.roll_degrees == pytest.approx(0)


def test_a_detector_without_landmarks_is_left_alone() -> None:
    close_up = CountingDetector()
    face = detect(FaceDetection(Box(0, 0, 50, 50), 0.3), close_up)
    assert face.roll is None
    assert close_up.n_calls == 0


def test_a_face_that_never_looks_upright_is_uncertain() -> None:
    sideways = replace(FACE, landmarks=FRONTAL[:, ::-1].copy())
    close_up = CountingDetector()
    face = detect(sideways, close_up)
    assert face.roll is not None
    assert not face.roll.is_certain
    assert face.roll_degrees is None
    assert 4 <= close_up.n_calls <= 9
    # A weak one that seems to be upright stays what it is.
    assert detect(replace(FACE, score=0.51), CountingDetector()).roll_degrees == pytest.approx(0)


def test_one_sure_look_is_enough_where_landmarks_make_sense() -> None:
    angle = np.radians(60)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = ((FRONTAL - 50) @ turn.T + 50).astype(np.float32)
    close_up = CountingDetector(close_up_face())
    face = detect(replace(FACE, landmarks=points), close_up)
    assert close_up.n_calls == 1
    assert face.roll_degrees == pytest.approx(60, abs=0.1)
    assert face.box == FACE.box
    assert face.score == FACE.score
    # Huddled landmarks tell nothing: every turn is tried.
    close_up = CountingDetector(close_up_face())
    huddled = ((points - 50) / 3 + 50).astype(np.float32)
    detect(replace(FACE, landmarks=huddled), close_up)
    assert close_up.n_calls > 3


def test_what_is_left_of_the_roll_is_turned_as_well() -> None:
    sideways = replace(FACE, landmarks=FRONTAL[:, ::-1].copy())
    assert sideways.roll is not None
    seeming = sideways.roll.degrees
    close_up = CountingDetector(close_up_face(roll=40.0), close_up_face(roll=5.0, score=0.8))
    # The fake gives both faces in every turn; the better one says that 40 degrees are left, the
    # same again once that is turned, so no turn ever makes it upright.
    face = detect(sideways, close_up)
    assert face.roll is not None
    assert not face.roll.is_certain
    face = detect(sideways, CountingDetector(close_up_face(roll=5.0)))
    assert face.roll_degrees == pytest.approx(seeming + 5, abs=0.1)


@pytest.mark.parametrize("degrees", [-90, -60, -45, -30, 0, 15, 30, 45, 60, 75, 90])
def test_the_roll_of_a_portrait(
    detector: UprightDetector, astronaut: Pixels, degrees: float
) -> None:
    (upright,) = detector.detect(astronaut)
    assert upright.roll_degrees is not None
    found = detector.detect(turned(astronaut, degrees))
    assert len(found) == 1
    roll = found[0].roll
    assert roll is not None
    assert roll.is_certain
    assert roll.degrees == pytest.approx(degrees + upright.roll_degrees, abs=10)
    # The box around the upright face is where and as large as it was before.
    assert max(roll.box.width, roll.box.height) == pytest.approx(
        max(upright.box.width, upright.box.height), rel=0.15
    )


@pytest.mark.parametrize("n_quarters", [1, 3])
def test_landmarks_are_those_of_the_turned_face(
    detector: UprightDetector, astronaut: Pixels, n_quarters: int
) -> None:
    (upright,) = detector.detect(astronaut)
    (found,) = detector.detect(np.ascontiguousarray(np.rot90(astronaut, n_quarters)))
    assert upright.landmarks is not None
    assert found.landmarks is not None
    points = upright.landmarks.copy()
    for _ in range(n_quarters):
        points = np.stack([points[:, 1], 512 - points[:, 0]], axis=1)
    np.testing.assert_allclose(found.landmarks, points, atol=10)


def test_faces_are_found_in_the_order_and_number_of_the_other_detector(astronaut: Pixels) -> None:
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    image = np.full((512, 800, 3), 128, np.uint8)
    image[:, :512], image[100:356, 530:786] = astronaut, np.rot90(small)
    detector = build_detector(n_threads=2)
    faces = detector.detect(image)
    assert len(faces) == 2
    assert faces[0].box.area > faces[1].box.area
    assert faces[1].roll_degrees == pytest.approx(-90, abs=15)
    assert isinstance(detector.framing, Framing)
