import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.core.face import FaceDetection, QualityReason
from emolens.core.geometry import Box
from emolens.datasets.faces import FaceSample
from emolens.imaging.bgr import as_bgr
from emolens.media.sample import sample_image
from emolens.pipeline.models import Models
from emolens.pipeline.sample_framing import CropCheck, LargestFaceFramer
from emolens.testing import FakeDetector


def sample(image: npt.NDArray[np.uint8]) -> FaceSample:
    return FaceSample(image, Emotion.HAPPY, None, "a.jpg", subject="anna")


def portrait() -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(sample_image()), cv2.IMREAD_GRAYSCALE), np.uint8)


def textured(side_px: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    return rng.integers(0, 255, (side_px, side_px)).astype(np.uint8)


def face(left: float, side: float) -> FaceDetection:
    return FaceDetection(Box(left, 20, left + side, 20 + side), 0.9)


def test_the_largest_face_is_cropped_and_everything_else_kept(rng: np.random.Generator) -> None:
    image = np.full((200, 300), 90, np.uint8)
    image[20:120, 50:150] = textured(100, rng)
    seen: list[int] = []
    framer = LargestFaceFramer(FakeDetector([face(50, 100), face(200, 40)]), seen.append)
    cropped = framer(sample(image))
    for size_px in (48, 100):
        found = cropped(size_px)
        assert found.image.shape == (size_px, size_px)
        assert found.detected is not None
        assert found.detected.n_faces == 2
        assert found.detected.has_label
        assert (found.emotion, found.location, found.subject) == (Emotion.HAPPY, "a.jpg", "anna")
    assert (cropped(100).image == image[20:120, 50:150]).all()
    framer(sample(image))
    assert seen == [1, 2]


def test_an_image_without_a_face_is_kept_whole_and_has_no_label() -> None:
    image = np.full((200, 300), 90, np.uint8)
    found = LargestFaceFramer(FakeDetector())(sample(image))(48)
    assert found.image is image
    assert found.detected is not None
    assert found.detected.n_faces == 0
    assert not found.detected.has_label


def test_a_face_that_cannot_be_assessed_names_the_reason() -> None:
    flat = np.full((200, 300), 90, np.uint8)
    found = LargestFaceFramer(FakeDetector([face(10, 10)]))(sample(flat))(48)
    assert found.detected is not None
    assert found.detected.n_faces == 1
    assert not found.detected.has_label
    assert QualityReason.TOO_SMALL in found.detected.reasons


def test_the_crop_is_the_one_that_images_are_classified_by() -> None:
    models = Models(n_threads=1)
    image = portrait()
    turn = cv2.getRotationMatrix2D((256, 256), 25, 0.8)
    turned = np.asarray(cv2.warpAffine(image, turn, (512, 512), borderValue=127), np.uint8)
    dark = np.asarray(turned // 6, np.uint8)
    framer = LargestFaceFramer(models.detector(sideways=True))
    size_px = models.classifier.input_spec.size_px
    for one in (image, turned, dark):
        [expected] = models.image_analyzer().frame_faces(as_bgr(one))
        found = framer(sample(one))(size_px)
        assert (found.image == expected.crop).all()
        assert found.detected is not None
        assert found.detected.reasons == expected.assess().reasons


@pytest.mark.parametrize(("side", "is_warned"), [(130, True), (138, True), (142, False)])
def test_a_warning_says_that_faces_fill_too_little(
    side: float, is_warned: bool, rng: np.random.Generator
) -> None:
    check = CropCheck()
    for _ in range(3):
        taken = check(sample(textured(200, rng)))(48)
        assert taken.image.shape == (200, 200)
        assert taken.detected is None
    warning = check.warning(FakeDetector([face(20, side)]))
    assert (warning is not None) == is_warned
    if warning:
        assert "--detect" in warning
        assert "detect=True" in warning
        assert f"{side / 200:.0%}" in warning
        assert "3 of 3" in warning


def test_images_of_published_crops_and_images_without_faces_are_not_judged(
    rng: np.random.Generator,
) -> None:
    check = CropCheck()
    check(sample(textured(48, rng)))
    check(sample(textured(96, rng)))
    assert not check.has_images
    larger = CropCheck()
    larger(sample(textured(97, rng)))
    assert larger.has_images
    assert larger.warning(FakeDetector()) is None


def test_many_and_large_images_are_sampled_evenly_and_shrunk() -> None:
    sides: list[tuple[int, ...]] = []
    levels: list[int] = []

    class Recorder(FakeDetector):
        def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
            sides.append(image.shape)
            levels.append(int(image[0, 0, 0]))
            return [face(0, 10)]

    check = CropCheck()
    for number in range(250):
        check(sample(np.full((1000, 1500), number, np.uint8)))
    warning = check.warning(Recorder())
    assert warning is not None
    assert "64 of 64" in warning
    assert set(sides) == {(427, 640, 3)}
    # Neither the first nor the last images alone.
    assert len(set(levels)) == 64
    assert 90 < np.mean(levels) < 160


def test_the_sample_portrait_is_a_whole_photograph_and_its_crop_is_not() -> None:
    detector = Models(n_threads=1).detector()
    image = portrait()
    whole, crop = CropCheck(), CropCheck()
    whole(sample(image))
    [found] = detector.detect(as_bgr(image))
    square = detector.framing.apply(found.box)
    left, top = round(square.x_min), round(square.y_min)
    side = round(square.width)
    crop(sample(np.ascontiguousarray(image[top : top + side, left : left + side], np.uint8)))
    assert whole.warning(detector) is not None
    assert crop.warning(detector) is None
