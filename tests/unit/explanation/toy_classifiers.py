"""Classifiers that decide on a known square, or on nothing."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.manifest import InputSpec
from tests.unit.explanation.models import SIZE_PX, UNIFORM

Pixels = npt.NDArray[np.uint8]


class SquareClassifier:
    """Predicts happy as far as a square of the face is as in the face it was made for."""

    input_spec = InputSpec(size_px=SIZE_PX, mean=0.5, std=0.25)

    def __init__(self, face: Pixels, square: tuple[slice, slice]) -> None:
        self.square = square
        self.original = face[square]

    def classify(self, crops: Sequence[Pixels]) -> list[EmotionScores]:
        return [self._scores(float((crop[self.square] == self.original).mean())) for crop in crops]

    @staticmethod
    def _scores(share: float) -> EmotionScores:
        probabilities = np.full(7, (1 - share) / 6, np.float32)
        probabilities[Emotion.HAPPY.index] = share
        return EmotionScores(probabilities)


class ConstantClassifier:
    """Predicts the same for every face."""

    input_spec = InputSpec(size_px=SIZE_PX, mean=0.5, std=0.25)

    def classify(self, crops: Sequence[Pixels]) -> list[EmotionScores]:
        return [UNIFORM for _ in crops]
