"""A fake detector and fake classifiers."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.face import FaceDetection
from emolens.core.geometry import Framing
from emolens.core.manifest import InputSpec
from emolens.core.ports import EmotionClassifier


class FakeDetector:
    """A detector that returns the same given faces for every image."""

    name = "fake"
    framing = Framing(shift_x=0.0, shift_y=0.0, scale=1.0)

    def __init__(self, detections: Sequence[FaceDetection] = ()) -> None:
        self.detections = list(detections)

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Return the given faces for any uint8 (H, W, 3) image."""
        del image
        return list(self.detections)


class FakeClassifier:
    """A classifier that maps the mean grey value to a class: dark is `angry`, light is `neutral`.

    It is deterministic and depends on the crop, so a test detects swapped crops.
    """

    input_spec = InputSpec(size_px=48, mean=0.5, std=0.25)

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Return 0.7 for the class of the crop's brightness and 0.05 for every other class."""
        return [self._scores(crop) for crop in crops]

    @staticmethod
    def _scores(crop: npt.NDArray[np.uint8]) -> EmotionScores:
        emotion = Emotion.from_index(min(int(crop.mean() / 256 * N_EMOTIONS), N_EMOTIONS - 1))
        probabilities = np.full(N_EMOTIONS, 0.05, np.float32)
        probabilities[emotion.index] = 1 - 0.05 * (N_EMOTIONS - 1)
        return EmotionScores(probabilities)


class SlowClassifier:
    """A wrapper that delays every batch of a classifier.

    Args:
        classifier: The wrapped classifier.
        delay_s: Delay of each batch in seconds.
        sleep: The function that waits.
    """

    def __init__(
        self,
        classifier: EmotionClassifier,
        *,
        delay_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._classifier = classifier
        self._delay_s = delay_s
        self._sleep = sleep

    @property
    def input_spec(self) -> InputSpec:
        """The input of the wrapped classifier."""
        return self._classifier.input_spec

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Return the scores of the wrapped classifier after the delay."""
        self._sleep(self._delay_s)
        return self._classifier.classify(crops)
