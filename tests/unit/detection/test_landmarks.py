import math

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import ModelError
from emolens.core.face import FaceDetection, FaceRoll
from emolens.core.geometry import Box
from emolens.core.manifest import LandmarkManifest
from emolens.detection.landmarks import (
    LANDMARK_FRAMING,
    CoarseDetector,
    LandmarkDetector,
    moved_to,
    turned_box,
)
from emolens.runtime.model_file import LandmarkModel, load_landmark_model
from emolens.testing import FakeDetector
from tests.turned import turned

Pixels = npt.NDArray[np.uint8]
MANIFEST = LandmarkManifest("fake", 64, 1.3, "none", "none", "unknown", {}, "Apache-2.0")
POINTS = np.array([[-0.2, -0.1], [0.2, -0.1], [0, 0.1], [-0.1, 0.25], [0.1, 0.25]], np.float32)
# Brighter towards the right, so that a mirror image shows.
BLANK = np.repeat(np.arange(160, dtype=np.uint8)[None, :, None], 120, axis=0).repeat(3, axis=2)


class FakeSession:
    """Answers every close-up alike, or each look with the next answer."""

    input_names = ("faces",)

    def __init__(self, *looks: tuple[npt.NDArray[np.float32], list[float], float]) -> None:
        self._looks = looks
        self.n_runs = 0

    def run(self, inputs: dict[str, npt.NDArray[np.float32]], outputs: object) -> list[object]:
        points, box, face = self._looks[min(self.n_runs, len(self._looks) - 1)]
        self.n_runs += 1
        rows = (points, np.array(box, np.float32), np.float32(face))
        answers = [np.repeat(np.asarray(row)[None], len(inputs["faces"]), axis=0) for row in rows]
        plain, mirrored = np.array_split(inputs["faces"], 2)
        if np.array_equal(mirrored, plain[..., ::-1]):
            back = slice(len(plain), None)
            answers[0][back] = (answers[0][back] * [-1, 1])[:, [1, 0, 2, 4, 3]]
            answers[1][back, 0] *= -1
        return list(answers)


def detect(
    *looks: tuple[npt.NDArray[np.float32], list[float], float],
    finds: tuple[FaceDetection, ...] = (FaceDetection(Box(50, 30, 90, 80), 0.8),),
) -> list[FaceDetection]:
    model = LandmarkModel(FakeSession(*looks), MANIFEST)  # type: ignore[arg-type]
    return LandmarkDetector(FakeDetector(finds), model).detect(BLANK)


def turn(points: npt.NDArray[np.float32], degrees: float) -> npt.NDArray[np.float32]:
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.asarray(points @ matrix.T, np.float32)


def test_the_last_look_says_where_the_face_is() -> None:
    # The first look's box is 0.5 sides wide, so the second square is 0.5 * 1.3 as large.
    (face,) = detect((POINTS, [0.1, 0.0, 0.5, 0.4], 1.0), (POINTS, [0.0, 0.0, 0.6, 0.6], 1.0))
    first = 1.3 * 50
    second = 1.3 * 0.5 * first
    third = 1.3 * 0.6 * second
    center = (70 + 0.1 * first, 55)
    assert face.box.to_tuple() == pytest.approx(Box.from_center(center, 0.6 * third).to_tuple())
    assert face.landmarks is not None
    np.testing.assert_allclose(face.landmarks, third * POINTS + center, rtol=1e-5)
    assert face.score == 0.8
    assert face.roll_degrees == pytest.approx(0)


def test_a_find_that_is_no_face_is_left_out() -> None:
    assert detect((POINTS, [0, 0, 0.7, 0.7], 0.9), (POINTS, [0, 0, 0.7, 0.7], 0.05)) == []


def test_a_find_that_looks_like_a_face_in_the_end_only_is_left_out() -> None:
    box = [0, 0, 0.7, 0.7]
    assert detect((POINTS, box, 0.1), (POINTS, box, 0.3), (POINTS, box, 0.9)) == []
    assert len(detect((POINTS, box, 0.1), (POINTS, box, 0.8), (POINTS, box, 0.9))) == 1


def test_nothing_found_is_not_looked_at() -> None:
    assert detect(finds=()) == []


@pytest.mark.parametrize("degrees", [-170, -90, -30, 30, 90, 135, 180])
def test_a_rolled_face_is_turned_for_the_second_look(degrees: float) -> None:
    # What was turned stands upright in the second look, but for eight degrees, and then wholly.
    first = (turn(POINTS, degrees), [0.0, 0.0, 0.6, 0.7], 1.0)
    second = (turn(POINTS, 8), [0.0, 0.0, 0.6, 0.7], 1.0)
    (face,) = detect(first, second, (POINTS, [0.0, 0.0, 0.6, 0.7], 1.0))
    assert face.roll_degrees is not None
    assert (face.roll_degrees - degrees - 8 + 180) % 360 - 180 == pytest.approx(0, abs=1e-3)
    assert face.landmarks is not None
    placed = turn(POINTS, degrees + 8) * ((1.3 * 0.7) ** 2 * 1.3 * 50) + [70, 55]
    np.testing.assert_allclose(face.landmarks, placed, atol=1e-3)


def test_a_face_that_stands_upright_in_no_look_has_no_certain_roll() -> None:
    (face,) = detect((turn(POINTS, 90), [0, 0, 0.7, 0.7], 1.0))
    assert face.roll is not None
    assert not face.roll.is_certain
    assert face.roll_degrees is None


def test_two_finds_of_one_face_are_one() -> None:
    finds = (FaceDetection(Box(50, 30, 90, 80), 0.7), FaceDetection(Box(52, 30, 92, 80), 0.9))
    (face,) = detect((POINTS, [0, 0, 0.7, 0.7], 1.0), finds=finds)
    assert face.score == 0.9


def test_a_face_beyond_the_image_is_left_out() -> None:
    assert detect((POINTS, [3.0, 0, 0.5, 0.5], 1.0), (POINTS, [3.0, 0, 0.5, 0.5], 1.0)) == []


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ModelError, match="not finite"):
        detect((POINTS * np.nan, [0, 0, 0.7, 0.7], 1.0))


def test_it_frames_all_detectors_alike() -> None:
    model = LandmarkModel(FakeSession(), MANIFEST)  # type: ignore[arg-type]
    detector = LandmarkDetector(FakeDetector([]), model)
    assert detector.framing == LANDMARK_FRAMING
    assert detector.name == FakeDetector([]).name


@pytest.mark.parametrize(
    ("degrees", "width", "height"), [(0, 40, 60), (90, 60, 40), (180, 40, 60), (45, 50.99, 50.99)]
)
def test_the_box_of_a_turned_face(degrees: float, width: float, height: float) -> None:
    box = turned_box(Box(10, 20, 50, 80), degrees)
    assert (box.width, box.height) == pytest.approx((width, height), abs=0.01)
    assert box.center_xy == pytest.approx((30, 50))


@pytest.mark.parametrize("degrees", range(-165, 181, 15))
def test_the_shipped_network_tells_the_roll(astronaut: Pixels, degrees: int) -> None:
    head = astronaut[20:240, 110:330]
    image = turned(head, degrees)
    # The face is about in the middle of the head, and as large as that, by eye.
    find = FaceDetection(Box.from_center((image.shape[1] / 2, image.shape[0] / 2), 120), 0.9)
    detector = LandmarkDetector(FakeDetector([find]), load_landmark_model())
    (face,) = detector.detect(image)
    assert face.roll_degrees is not None
    # She holds her head about upright.
    assert (face.roll_degrees - degrees + 180) % 360 - 180 == pytest.approx(0, abs=12)


def test_a_known_face_is_followed_with_one_look() -> None:
    session = FakeSession((POINTS, [0.1, 0.0, 0.6, 0.7], 1.0))
    detector = LandmarkDetector(FakeDetector([]), LandmarkModel(session, MANIFEST))  # type: ignore[arg-type]
    box = Box(50, 30, 90, 80)
    (face,) = detector.follow(BLANK, [FaceDetection(box, 0.8, checked_roll=FaceRoll(4.0, box))])
    assert face is not None
    side = 1.3 * 50
    assert face.box.center_xy == pytest.approx((70 + 0.1 * side, 55))
    assert (face.box.width, face.box.height) == pytest.approx((0.6 * side, 0.7 * side))
    assert face.score == 0.8
    assert session.n_runs == 1
    assert detector.follow(BLANK, []) == []


@pytest.mark.parametrize(
    "look",
    [
        pytest.param((POINTS, [0, 0, 0.7, 0.7], 0.1), id="no face"),
        pytest.param((turn(POINTS, 90), [0, 0, 0.7, 0.7], 1.0), id="another way up"),
    ],
)
def test_a_face_that_is_not_there_any_more_is_lost(
    look: tuple[npt.NDArray[np.float32], list[float], float],
) -> None:
    model = LandmarkModel(FakeSession(look), MANIFEST)  # type: ignore[arg-type]
    box = Box(50, 30, 90, 80)
    detector = LandmarkDetector(FakeDetector([]), model)
    assert detector.follow(BLANK, [FaceDetection(box, 0.8)]) == [None]


def test_a_rolled_face_is_followed_in_a_turned_square() -> None:
    model = LandmarkModel(FakeSession((POINTS, [0, 0, 0.6, 0.7], 1.0)), MANIFEST)  # type: ignore[arg-type]
    box = Box(50, 30, 90, 80)
    known = FaceDetection(box, 0.8, checked_roll=FaceRoll(70.0, box))
    (face,) = LandmarkDetector(FakeDetector([]), model).follow(BLANK, [known])
    assert face is not None
    assert face.roll_degrees == pytest.approx(70)


def test_a_face_is_expected_where_its_box_is_expected() -> None:
    clipped, whole = Box(0, 30, 40, 80), Box(-10, 30, 40, 80)
    face = FaceDetection(clipped, 0.8, checked_roll=FaceRoll(20.0, whole))
    moved = moved_to(face, Box(10, 60, 90, 160))
    assert moved.box == Box(10, 60, 90, 160)
    assert moved.roll is not None
    assert moved.roll.degrees == 20
    # Twice as large, its middle as far from that of the box, in sides, as before.
    assert moved.roll.box.to_tuple() == pytest.approx((-10, 60, 90, 160))


def searching(
    coarse_faces: list[FaceDetection], side: float, session: FakeSession | None = None
) -> list[FaceDetection]:
    """What is found in a search for one known face of a side, by a detector that sees two."""
    session = session or FakeSession((POINTS, [0.0, 0.0, 0.7, 0.7], 1.0))
    model = LandmarkModel(session, MANIFEST)  # type: ignore[arg-type]
    two = [FaceDetection(Box(5, 30, 45, 80), 0.8), FaceDetection(Box(100, 30, 140, 80), 0.8)]
    coarse = CoarseDetector(FakeDetector(coarse_faces), [(160, 128)])
    detector = LandmarkDetector(FakeDetector(two), model, coarse=coarse)
    known = FaceDetection(Box(40, 20, 40 + side, 20 + side), 0.8)
    return detector.redetect(BLANK, [known])


def test_large_known_faces_are_searched_for_at_a_small_size_and_looked_at_once() -> None:
    session = FakeSession((POINTS, [0.0, 0.0, 0.7, 0.7], 1.0))
    (face,) = searching([FaceDetection(Box(40, 20, 110, 90), 0.6)], 70, session)
    assert face.score == 0.6
    assert session.n_runs == 1


def test_another_face_beside_a_known_one_is_looked_at_closely() -> None:
    session = FakeSession((POINTS, [0.0, 0.0, 0.7, 0.7], 1.0))
    finds = [FaceDetection(Box(40, 20, 110, 90), 0.6), FaceDetection(Box(120, 30, 150, 60), 0.7)]
    assert len(searching(finds, 70, session)) == 2
    assert session.n_runs == 1 + 3


def test_a_known_face_that_is_small_or_missed_is_searched_for_thoroughly() -> None:
    assert len(searching([FaceDetection(Box(40, 20, 70, 50), 0.8)], side=30)) == 2
    assert len(searching([], side=70)) == 2
