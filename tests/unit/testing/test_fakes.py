import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.testing import FakeClassifier, FakeDetector, SlowClassifier


def test_a_fake_detector_finds_what_it_was_told_in_any_image() -> None:
    found = FaceDetection(Box(0, 0, 9, 9), 0.5)
    detector = FakeDetector([found])
    assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == [found]
    assert FakeDetector().detect(np.zeros((1, 1, 3), np.uint8)) == []


@pytest.mark.parametrize(("gray", "emotion"), [(0, Emotion.ANGRY), (128, Emotion.HAPPY)])
def test_a_fake_classifier_goes_by_brightness(gray: int, emotion: Emotion) -> None:
    (scores,) = FakeClassifier().classify([np.full((48, 48), gray, np.uint8)])
    assert scores.top is emotion
    assert scores.confidence == pytest.approx(0.7)


def test_a_slow_classifier_says_the_same_later() -> None:
    slept: list[float] = []
    slow = SlowClassifier(FakeClassifier(), delay_s=0.2, sleep=slept.append)
    crops = [np.full((48, 48), gray, np.uint8) for gray in (0, 200)]
    expected = FakeClassifier().classify(crops)
    for one, other in zip(slow.classify(crops), expected, strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert slept == [0.2]
    assert slow.input_spec is FakeClassifier.input_spec
