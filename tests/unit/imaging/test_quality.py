import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import InputError
from emolens.core.face import FaceDetection, FaceQuality, QualityReason
from emolens.core.geometry import Box
from emolens.imaging.exposure import Levels
from emolens.imaging.preprocess import to_gray
from emolens.imaging.quality import assess_quality, measure_sharpness

FRONTAL = ((40, 45), (60, 45), (50, 57), (43, 68), (57, 68))
SIZE_WH = (200, 150)


def face(sigma: float = 0.0) -> npt.NDArray[np.uint8]:
    """A drawn grey face of 48 px, perhaps blurred."""
    canvas = np.full((48, 48), 170, np.uint8)
    cv2.ellipse(canvas, (24, 25), (17, 21), 0, 0, 360, 210, -1)
    for x in (17, 31):
        cv2.circle(canvas, (x, 19), 3, 40, -1)
    cv2.ellipse(canvas, (24, 35), (8, 4), 0, 0, 180, 60, 2)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), sigma) if sigma else canvas, np.uint8)


def assess(
    *,
    square: Box | None = None,
    crop: npt.NDArray[np.uint8] | None = None,
    landmarks: tuple[tuple[float, float], ...] | None = FRONTAL,
) -> FaceQuality:
    square = square or Box.from_center((50, 55), 60)
    points = None if landmarks is None else np.array(landmarks, np.float32)
    detection = FaceDetection(Box(30, 30, 70, 80), 0.9, points)
    return assess_quality(SIZE_WH, square, face() if crop is None else crop, detection)


def test_a_good_face_is_assessable() -> None:
    quality = assess()
    assert quality.is_assessable
    assert quality.size_px == 60
    assert quality.sharpness > 0.1
    assert assess(landmarks=None).is_assessable


@pytest.mark.parametrize(("side", "is_small"), [(23.9, True), (24.0, False), (1.0, True)])
def test_small_faces_are_named(side: float, is_small: bool) -> None:
    reasons = assess(square=Box.from_center((50, 55), side)).reasons
    assert (QualityReason.TOO_SMALL in reasons) == is_small


@pytest.mark.parametrize("sigma", [4.0, 8.0, 100.0])
def test_blurred_and_flat_faces_are_named(sigma: float) -> None:
    assert assess(crop=face(sigma)).reasons == (QualityReason.BLURRED,)
    flat = np.full((48, 48), 90, np.uint8)
    assert assess(crop=flat).reasons == (QualityReason.BLURRED,)
    assert measure_sharpness(flat) == 0


def test_sharpness_falls_with_blur_and_not_with_light() -> None:
    values = [measure_sharpness(face(sigma)) for sigma in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    dim = (face() // 4).astype(np.uint8)
    assert measure_sharpness(dim) == pytest.approx(measure_sharpness(face()), rel=0.1)


def test_sharpness_hardly_depends_on_the_size_of_the_crop() -> None:
    large = np.kron(face(), np.ones((3, 3), np.uint8)).astype(np.uint8)
    assert measure_sharpness(large) == pytest.approx(measure_sharpness(face()))


@pytest.mark.parametrize(
    ("center", "is_cut"), [((50, 55), False), ((24, 24), False), ((5, 55), True), ((2, 2), True)]
)
def test_faces_beyond_the_border_are_named(center: tuple[float, float], is_cut: bool) -> None:
    reasons = assess(square=Box.from_center(center, 60)).reasons
    assert (QualityReason.CUT_OFF in reasons) == is_cut


def test_a_landmark_outside_the_image_means_cut_off() -> None:
    outside = (*FRONTAL[:4], (57, 151))
    assert assess(landmarks=outside).reasons == (QualityReason.CUT_OFF,)


@pytest.mark.parametrize(
    ("nose_x", "is_turned"), [(50, False), (40, False), (64, False), (70, True), (31, True)]
)
def test_profiles_are_named(nose_x: float, is_turned: bool) -> None:
    landmarks = (FRONTAL[0], FRONTAL[1], (nose_x, 57), *FRONTAL[3:])
    expected = (QualityReason.TURNED_AWAY,) if is_turned else ()
    assert assess(landmarks=landmarks).reasons == expected


def test_a_tilted_head_is_not_turned_away() -> None:
    middle = np.array([50, 55])
    sideways = (np.array(FRONTAL) - middle) @ np.array([[0, 1], [-1, 0]]) + middle
    landmarks = tuple((float(x), float(y)) for x, y in sideways)
    assert assess(landmarks=landmarks).is_assessable


def test_eyes_in_one_place_are_a_profile() -> None:
    landmarks = (FRONTAL[0], FRONTAL[0], *FRONTAL[2:])
    assert assess(landmarks=landmarks).reasons == (QualityReason.TURNED_AWAY,)


def test_a_given_face_is_judged_by_size_and_sharpness_only() -> None:
    beyond = Box(-100, -100, 10, 10)
    assert assess_quality(SIZE_WH, beyond, face(), None).is_assessable
    small = assess_quality((20, 20), Box(0, 0, 20, 20), face(8.0), None)
    assert small.reasons == (QualityReason.TOO_SMALL, QualityReason.BLURRED)


def test_an_empty_image_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 x 1"):
        assess_quality((0, 5), Box(0, 0, 1, 1), to_gray(face()), None)


def test_faces_of_too_few_levels_are_too_dark_or_without_contrast(rng: np.random.Generator) -> None:
    dark = (face() // 90).astype(np.uint8)
    assert QualityReason.TOO_DARK in assess(crop=dark).reasons
    noise = rng.integers(0, 9, (48, 48)).astype(np.uint8)
    assert assess(crop=noise).reasons == (QualityReason.TOO_DARK,)
    assert assess(crop=200 + noise).reasons == (QualityReason.LOW_CONTRAST,)


def test_levels_of_the_image_count_not_those_of_the_spread_crop(rng: np.random.Generator) -> None:
    noise = rng.integers(0, 255, (48, 48)).astype(np.uint8)
    square = Box.from_center((50, 55), 60)
    assert assess_quality(SIZE_WH, square, noise, None).is_assessable
    spread = assess_quality(SIZE_WH, square, noise, None, Levels(2, 20))
    assert spread.reasons == (QualityReason.TOO_DARK,)
    assert assess_quality(SIZE_WH, square, face(1.0), None, Levels(2, 20)).is_assessable
