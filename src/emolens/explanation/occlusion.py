"""Occlusion maps: the drop of each probability when a region of the face is blurred.

They need only the predictions of a classifier, so they work for every model. A rectangle of a
third by two thirds of the side is blurred at the 6 x 6 places of a grid.

Source:
    Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2.
    Size, grid and blur: docs/experiments/0024-faithful-maps.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

import cv2
import numpy as np
import numpy.typing as npt

from emolens.classification.onnx_classifier import OnnxEmotionClassifier
from emolens.core.description import Description, description_of
from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.errors import InputError
from emolens.core.manifest import InputSpec
from emolens.core.ports import EmotionClassifier
from emolens.explanation.maps import FaceMaps, MapKind
from emolens.explanation.placement import Floats, even_centers
from emolens.imaging.crop import resize_gray_square
from emolens.imaging.preprocess import to_gray

N_PLACES: Final = 6
"""Rows and columns of the grid."""
N_COVERED: Final = N_PLACES**2
PATCH_HEIGHT: Final = 1 / 3
PATCH_WIDTH: Final = 2 / 3
"""Size of the blurred rectangle, as fractions of the side of the face: as wide as a mouth or both
eyes. If half a smile remains, the probability hardly drops."""
# Standard deviation of the blur, as a fraction of the side: after it no face is readable.
# Source: docs/experiments/0002-quality.md.
_BLUR: Final = 1 / 8

Gray = npt.NDArray[np.uint8]
Crops = Sequence[npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, eq=False)
class OcclusionMaps(FaceMaps):
    """Occlusion maps of one face.

    `maps` are drops of the probability, -1..1: positive where blurring makes the class less
    probable.
    """

    kind: ClassVar[MapKind] = MapKind.OCCLUSION
    least_scale: ClassVar[float] = 0.05

    def peak(self, emotion: Emotion) -> float:
        """Return the largest drop of a class at any place, at least 0."""
        return max(float(self.maps[emotion.index].max()), 0.0)

    def evidence(self, size_px: int) -> Floats:
        """Resize the signed maps to the size of a face: float32 (7, size_px, size_px).

        The values are interpolated between the places, and constant beyond the outermost ones.
        """
        if size_px < 1:
            raise InputError(f"size_px must be at least 1; got {size_px}")
        size = (size_px, size_px)
        return np.stack(
            [np.asarray(cv2.resize(of_class, size), np.float32) for of_class in self.maps]
        )


class OcclusionExplainer:
    """An explainer and classifier with occlusion maps of any classifier.

    Implements `FaceExplainer`. A map takes 37 predictions.

    Args:
        classifier: The classifier to explain.
    """

    def __init__(self, classifier: EmotionClassifier) -> None:
        self._classifier = classifier

    @classmethod
    def load(cls, name_or_path: str | Path = "default", *, n_threads: int = 1) -> Self:
        """Load a model by name or path; raises `ModelError` if it is unusable."""
        return cls(OnnxEmotionClassifier.load(name_or_path, n_threads=n_threads))

    @property
    def description(self) -> Description:
        """The description of the classifier."""
        return description_of(self._classifier)

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the input."""
        return self._classifier.input_spec

    def classify(self, crops: Crops) -> list[EmotionScores]:
        """Classify uint8 crops, (H, W) grey or (H, W, 3) BGR, as the classifier does."""
        return self._classifier.classify(crops)

    def explain(self, crops: Crops) -> list[OcclusionMaps]:
        """Compute maps and scores of crops.

        Args:
            crops: uint8, (H, W) grey or (H, W, 3) BGR, of any size. A crop that is not square is
                padded around its centre. Its maps cover the padded square.

        Returns:
            One result per crop, in the same order.

        Raises:
            InputError: A crop has another type or shape, or no pixels.
            ModelError: The model returned numbers that are not finite.
        """
        return [self.begin(crop).finish() for crop in crops]

    def begin(self, crop: npt.NDArray[np.uint8]) -> "OcclusionTask":
        """Prepare the maps of a crop, to be computed in several parts."""
        face = resize_gray_square(to_gray(crop), self.input_spec.size_px)
        return OcclusionTask(self._classifier, face)


class OcclusionTask:
    """The computation of the maps of one face, in parts.

    Args:
        classifier: The classifier to explain.
        face: uint8 (S, S), grey, of the size of the classifier's input.
    """

    def __init__(self, classifier: EmotionClassifier, face: Gray) -> None:
        self._classifier = classifier
        self._faces = [face, *covered_faces(face)]
        self._scores: list[EmotionScores] = []

    def advance(self, n_faces: int) -> OcclusionMaps | None:
        """Classify the next `n_faces` faces; return the maps when all are done, else None."""
        start = len(self._scores)
        self._scores += self._classifier.classify(self._faces[start : start + n_faces])
        return self._maps() if len(self._scores) == len(self._faces) else None

    def finish(self) -> OcclusionMaps:
        """Classify the remaining faces and return the maps."""
        self._scores += self._classifier.classify(self._faces[len(self._scores) :])
        return self._maps()

    def _maps(self) -> OcclusionMaps:
        whole, *covered = self._scores
        drops = whole.probabilities - np.array([scores.probabilities for scores in covered])
        maps = drops.T.reshape(N_EMOTIONS, N_PLACES, N_PLACES)
        return OcclusionMaps(maps, whole, even_centers(N_PLACES))


def covered_faces(face: Gray) -> list[Gray]:
    """Blur a face at each place of the grid, row by row from the upper left.

    Args:
        face: uint8 (S, S), grey.

    Returns:
        36 faces, uint8 (S, S).
    """
    size_px = len(face)
    blurred = np.asarray(cv2.GaussianBlur(face, (0, 0), _BLUR * size_px), np.uint8)
    centers = even_centers(N_PLACES)
    downs = [_span(center, PATCH_HEIGHT, size_px) for center in centers]
    acrosses = [_span(center, PATCH_WIDTH, size_px) for center in centers]
    covered = []
    for down in downs:
        for across in acrosses:
            one = face.copy()
            one[down, across] = blurred[down, across]
            covered.append(one)
    return covered


def _span(center: float, side: float, size_px: int) -> slice:
    """Return the pixels of a patch along one side, cut off at the edge of the face."""
    start, end = (round((center + half) * size_px) for half in (-side / 2, side / 2))
    return slice(max(start, 0), min(end, size_px))
