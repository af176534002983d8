import re
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import emolens
from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError, ImageTooLargeError, InputError
from emolens.core.face import FaceDetection
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.testing import FakeClassifier, FakeDetector
from tests.turned import turned

DARK, LIGHT = Box(100, 100, 200, 200), Box(300, 100, 400, 200)


@pytest.fixture
def image() -> npt.NDArray[np.uint8]:
    made = np.random.default_rng(0).integers(110, 140, (300, 500, 3)).astype(np.uint8)
    made[100:200, 100:200] //= 16
    made[100:200, 300:400] = 255 - made[100:200, 300:400] // 16
    return made


def fake_analyzer(*boxes: Box) -> ImageAnalyzer:
    return ImageAnalyzer(FakeDetector([FaceDetection(box, 0.9) for box in boxes]), FakeClassifier())


def test_every_face_gets_the_scores_of_its_own_crop(image: npt.NDArray[np.uint8]) -> None:
    result = fake_analyzer(LIGHT, DARK).analyze(image)
    assert [(face.box, face.top) for face in result.faces] == [
        (LIGHT, Emotion.NEUTRAL),
        (DARK, Emotion.ANGRY),
    ]
    assert result.size_wh == (500, 300)
    assert set(result.timings_ms) == {"detection", "classification"}


def test_no_face_is_an_empty_result(image: npt.NDArray[np.uint8]) -> None:
    assert fake_analyzer().analyze(image).faces == ()


def test_a_face_that_cannot_be_assessed_has_no_label_but_scores(
    image: npt.NDArray[np.uint8],
) -> None:
    (face,) = fake_analyzer(Box(0, 0, 8, 8)).analyze(image).faces
    assert face.label is None
    assert not face.quality.is_assessable
    assert face.raw.probabilities.sum() == pytest.approx(1)


def test_below_the_minimum_confidence_a_face_has_no_label_but_no_reason_either() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 500, 3)).astype(np.uint8)
    (sure,) = fake_analyzer(LIGHT).analyze(image).faces
    detector, classifier = FakeDetector([FaceDetection(LIGHT, 0.9)]), FakeClassifier()
    for least, label in ((sure.confidence, sure.top), (sure.confidence + 1e-6, None)):
        analyzer = ImageAnalyzer(detector, classifier, min_confidence=least)
        (face,) = analyzer.analyze(image).faces
        assert face.label is label
        assert face.quality.is_assessable
        assert (face.top, face.confidence) == (sure.top, sure.confidence)
    with pytest.raises(ConfigError, match="min_confidence"):
        ImageAnalyzer(detector, classifier, min_confidence=2)


def test_boxes_end_at_the_edge_of_the_image(image: npt.NDArray[np.uint8]) -> None:
    (face,) = fake_analyzer(Box(-20, 50, 100, 350)).analyze(image).faces
    assert face.box == Box(0, 50, 100, 300)


def test_a_face_crop_is_read_as_it_is() -> None:
    crop = np.full((48, 48), 240, np.uint8)
    (face,) = ImageAnalyzer(None, FakeClassifier()).analyze(crop).faces
    assert face.box == Box(0, 0, 48, 48)
    assert face.detection_score is None
    assert face.top is Emotion.NEUTRAL


def test_a_face_crop_reaches_the_classifier_unchanged(gray_faces: npt.NDArray[np.uint8]) -> None:
    class Recorder(FakeClassifier):
        def classify(self, crops):  # type: ignore[no-untyped-def]
            self.crops = list(crops)
            return super().classify(crops)

    recorder = Recorder()
    ImageAnalyzer(None, recorder).analyze(gray_faces[0])
    np.testing.assert_array_equal(recorder.crops[0], gray_faces[0])


def test_path_bytes_and_array_give_the_same(
    astronaut: npt.NDArray[np.uint8], analyzer: ImageAnalyzer, tmp_path: Path
) -> None:
    encoded = cv2.imencode(".png", astronaut)[1].tobytes()
    path = tmp_path / "a.png"
    path.write_bytes(encoded)
    results = [analyzer.analyze(image).to_dict() for image in (path, str(path), encoded, astronaut)]
    assert all(result == results[0] for result in results)


def test_the_sample_face_is_happy(astronaut: npt.NDArray[np.uint8]) -> None:
    result = emolens.analyze(astronaut)
    assert [face.label for face in result.faces] == [Emotion.HAPPY]


def test_a_grey_and_a_bgra_image_are_read(
    astronaut: npt.NDArray[np.uint8], analyzer: ImageAnalyzer
) -> None:
    gray = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)
    bgra = cv2.cvtColor(astronaut, cv2.COLOR_BGR2BGRA)
    for image in (gray, bgra):
        assert [face.top for face in analyzer.analyze(np.asarray(image, np.uint8)).faces] == [
            Emotion.HAPPY
        ]


def test_what_is_no_image_is_refused(analyzer: ImageAnalyzer) -> None:
    with pytest.raises(InputError, match="image is of type int; allowed"):
        analyzer.analyze(3)  # type: ignore[arg-type]  # wrong on purpose


def test_an_address_is_refused_with_what_to_do(analyzer: ImageAnalyzer) -> None:
    with pytest.raises(ConfigError, match=r"http://host/a.jpg is an address.*Download the image"):
        analyzer.analyze("http://host/a.jpg")


def test_an_unknown_detector_is_refused() -> None:
    with pytest.raises(ConfigError, match="centerface"):
        ImageAnalyzer.load(detector="haar")


def test_framed_faces_are_what_is_analysed(
    astronaut: npt.NDArray[np.uint8], analyzer: ImageAnalyzer
) -> None:
    (framed,) = analyzer.frame_faces(astronaut)
    (expected,) = analyzer.analyze(astronaut).faces
    (named,) = ImageAnalyzer.load(face_crops=True).analyze(framed.crop).faces
    assert framed.crop.shape == (48, 48)
    np.testing.assert_allclose(named.raw.probabilities, expected.raw.probabilities, atol=1e-6)
    result = framed.to_result(expected.raw)
    assert result.to_dict() == expected.to_dict()
    assert result.quality == expected.quality


def test_where_there_is_no_face_none_is_framed(image: npt.NDArray[np.uint8]) -> None:
    assert fake_analyzer().frame_faces(image) == []


@pytest.mark.parametrize("detector_px", [100, 20_000, 640.5])
def test_a_detector_input_out_of_range_is_refused(detector_px: int) -> None:
    for face_crops in (False, True):
        with pytest.raises(ConfigError, match=r"detector_px.* 128 to 16384"):
            ImageAnalyzer.load(detector_px=detector_px, face_crops=face_crops)


def test_a_larger_detector_input_finds_smaller_faces(astronaut: npt.NDArray[np.uint8]) -> None:
    image = np.full((960, 1280, 3), 127, np.uint8)
    image[300:336, 700:736] = cv2.resize(
        astronaut[20:240, 110:330], (36, 36), interpolation=cv2.INTER_AREA
    )
    assert emolens.analyze(image, detector_px=640).faces == ()
    for detector_px in (None, 2560):
        assert len(emolens.analyze(image, detector_px=detector_px).faces) == 1


def test_faces_that_are_not_looked_for_are_told_and_only_where_they_may_be_expected(
    astronaut: npt.NDArray[np.uint8],
) -> None:
    analyzer = ImageAnalyzer.load(detector_px=640)
    assert analyzer.analyze(astronaut).warnings == ()
    large = np.zeros((2160, 3840, 3), np.uint8)
    large[:] = np.linspace(0, 255, 3840).astype(np.uint8)[:, np.newaxis]
    (note,) = analyzer.analyze(large).warnings
    assert re.match(r"faces below \d{3} px may be missed in an image of this size", note)
    assert analyzer.analyze(large).to_dict()["warnings"] == [note]
    assert ImageAnalyzer.load(face_crops=True).analyze(large).warnings == ()


def test_the_number_of_pixels_that_is_allowed_can_be_chosen(
    image: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    encoded = cv2.imencode(".png", image)[1].tobytes()
    path = tmp_path / "a.png"
    path.write_bytes(encoded)
    for source in (path, encoded):
        for analyze in (emolens.analyze, _analyze_with_own_analyzer):
            assert analyze(source, max_pixels=300 * 500).size_wh == (500, 300)
            with pytest.raises(ImageTooLargeError, match="max_pixels"):
                analyze(source, max_pixels=300 * 500 - 1)
    # An array is in memory already.
    assert emolens.analyze(image, max_pixels=1).size_wh == (500, 300)


def _analyze_with_own_analyzer(image: Path | bytes, *, max_pixels: int) -> FrameResult:
    detector = FakeDetector()
    return ImageAnalyzer(detector, FakeClassifier(), max_pixels=max_pixels).analyze(image)


@pytest.mark.parametrize("degrees", [-90, -60, -45, -30, 30, 45, 60, 75, 90])
def test_a_rolled_face_gets_the_answer_of_the_upright_one(
    analyzer: ImageAnalyzer, astronaut: npt.NDArray[np.uint8], degrees: float
) -> None:
    (face,) = analyzer.analyze(turned(astronaut, degrees)).faces
    assert face.label is Emotion.HAPPY
    assert face.confidence > 0.9
    assert face.roll_degrees == pytest.approx(degrees, abs=15)


@pytest.mark.parametrize("degrees", [-165, -150, -135, -120, -105, 105, 120, 135, 150, 165, 180])
def test_beyond_a_quarter_turn_a_face_is_right_or_said_to_be_tilted_or_not_there(
    analyzer: ImageAnalyzer, astronaut: npt.NDArray[np.uint8], degrees: float
) -> None:
    for face in analyzer.analyze(turned(astronaut, degrees)).faces:
        if face.label is None:
            assert face.quality.reasons
        else:
            assert face.label is Emotion.HAPPY
