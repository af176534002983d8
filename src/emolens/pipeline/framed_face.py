"""A face between the detector and the classifier: cut out, in the framing of the training data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import EmotionScores
from emolens.core.face import FaceDetection, FaceQuality, FaceResult
from emolens.core.geometry import Box
from emolens.imaging.exposure import Levels, crop_spread
from emolens.imaging.preprocess import to_gray
from emolens.imaging.quality import assess_quality


@dataclass(frozen=True, slots=True, eq=False)
class FramedFace:
    """A face of a picture as a classifier reads it.

    Attributes:
        square: The part of the picture, in pixels; it may reach beyond the picture.
        crop: uint8 (S, S), grey, S being the side of the classifier's input; its levels are spread
            where they were narrow (`emolens.imaging.exposure`).
        detection: What the detector found, or None for a picture that is one face.
        size_wh: (width, height) of the picture in pixels.
        levels: The levels of the face as it stands in the picture.
    """

    square: Box
    crop: npt.NDArray[np.uint8]
    detection: FaceDetection | None
    size_wh: tuple[int, int]
    levels: Levels

    def assess(self) -> FaceQuality:
        """Whether the expression of the face can be read."""
        return assess_quality(self.size_wh, self.square, self.crop, self.detection, self.levels)

    def named(self, scores: EmotionScores) -> FaceResult:
        """The result for this face, given its scores."""
        quality = self.assess()
        box = self.square if self.detection is None else self.detection.box
        return FaceResult(
            box=box.clip(self.size_wh),
            detection_score=None if self.detection is None else self.detection.score,
            quality=quality,
            raw=scores,
            smoothed=None,
            label=scores.top if quality.is_assessable else None,
        )


def cut_faces(
    image: npt.NDArray[np.uint8],
    regions: Sequence[tuple[Box, FaceDetection | None]],
    *,
    size_px: int,
) -> list[FramedFace]:
    """Cut faces out of a picture.

    Args:
        image: uint8 (H, W, 3) BGR.
        regions: The square of each face and the detection behind it.
        size_px: Side of the crops.

    Returns:
        The faces in the order given.
    """
    if not regions:
        return []
    height, width = image.shape[:2]
    gray = to_gray(image)
    cuts = [crop_spread(gray, square, size_px) for square, _detection in regions]
    return [
        FramedFace(square, crop, detection, (width, height), levels)
        for (square, detection), (crop, levels) in zip(regions, cuts, strict=True)
    ]
