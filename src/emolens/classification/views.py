"""Test-time augmentation: the mean prediction over ten views of a face."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.emotion import EmotionScores
from emolens.core.manifest import InputSpec
from emolens.core.ports import EmotionClassifier
from emolens.imaging.preprocess import to_gray

# Five positions (centre and four corners) and their mirror images, after Krizhevsky et al. 2012,
# "ImageNet Classification with Deep CNNs". Faces are framed tightly, so the crop is not made
# smaller but shifted by a small fraction of its side, repeating the border.
_SHIFT = 1 / 24
_POSITIONS = ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
_N_VIEWS = 2 * len(_POSITIONS)


class TenViewClassifier:
    """A classifier that averages another one's probabilities over ten views; ten times as slow."""

    def __init__(self, classifier: EmotionClassifier) -> None:
        self._classifier = classifier

    @property
    def input_spec(self) -> InputSpec:
        """Input of the wrapped classifier."""
        return self._classifier.input_spec

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Predict mean scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in order."""
        # One call, so that the wrapped classifier can fill its batches.
        views = [view for crop in crops for view in ten_views(to_gray(crop))]
        scores = self._classifier.classify(views)
        return [
            EmotionScores(np.mean([score.probabilities for score in scores[start:stop]], axis=0))
            for start, stop in pairwise(range(0, len(scores) + 1, _N_VIEWS))
        ]


def ten_views(face: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Create ten uint8 (H, W) views of a face: five positions, then their mirror images."""
    height, width = face.shape
    shifted = [
        cv2.warpAffine(
            face,
            np.array([[1, 0, x * _SHIFT * width], [0, 1, y * _SHIFT * height]], np.float64),
            (width, height),
            borderMode=cv2.BORDER_REPLICATE,
        )
        for x, y in _POSITIONS
    ]
    views = [np.asarray(view, np.uint8) for view in shifted]
    return views + [np.ascontiguousarray(view[:, ::-1]) for view in views]
