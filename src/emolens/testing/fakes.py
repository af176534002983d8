"""A detector and a classifier that say what they are told to."""

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
    """Finds the same given faces in every image."""

    name = "fake"
    framing = Framing(shift_x=0.0, shift_y=0.0, scale=1.0)

    def __init__(self, detections: Sequence[FaceDetection] = ()) -> None:
        self.detections = list(detections)

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """The given faces, whatever the uint8 (H, W, 3) image shows."""
        del image
        return list(self.detections)


class FakeClassifier:
    """Names every face by its mean grey value: dark is `angry`, light is `neutral`.

    Deterministic and dependent on the crop, so a test notices when crops are mixed up.
    """

    input_spec = InputSpec(size_px=48, mean=0.5, std=0.25)

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """0.7 for the class of the crop's brightness, 0.05 for each other one."""
        return [self._scores(crop) for crop in crops]

    @staticmethod
    def _scores(crop: npt.NDArray[np.uint8]) -> EmotionScores:
        emotion = Emotion(min(int(crop.mean() / 256 * N_EMOTIONS), N_EMOTIONS - 1))
        probabilities = np.full(N_EMOTIONS, 0.05, np.float32)
        probabilities[emotion] = 1 - 0.05 * (N_EMOTIONS - 1)
        return EmotionScores(probabilities)


class SlowClassifier:
    """Another classifier that takes a set time for every batch.

    Args:
        classifier: Gives the scores.
        delay_s: Seconds that are added.
        sleep: What waits.
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
        """What the other classifier reads."""
        return self._classifier.input_spec

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """The other classifier's scores, later."""
        self._sleep(self._delay_s)
        return self._classifier.classify(crops)
