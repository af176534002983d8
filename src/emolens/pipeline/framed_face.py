"""A face between the detector and the classifier: cut out, in the framing of the training data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import EmotionScores
from emolens.core.face import FaceDetection, FaceQuality, FaceResult
from emolens.core.geometry import Box, Framing
from emolens.imaging.crop import part_around
from emolens.imaging.exposure import Levels, crop_spread
from emolens.imaging.preprocess import to_gray
from emolens.imaging.quality import assess_quality
from emolens.imaging.turn import turn_for


@dataclass(frozen=True, slots=True, eq=False)
class FramedFace:
    """A face of an image as a classifier reads it.

    Attributes:
        square: The part of the image, in pixels; it may reach beyond the image.
        crop: uint8 (S, S), grey, S being the side of the classifier's input; its levels are spread
            where they were narrow (`emolens.imaging.exposure`).
        detection: What the detector found, or None for an image that is one face.
        size_wh: (width, height) of the image in pixels.
        levels: The levels of the face as it stands in the image.
        turn_degrees: How far the square is turned clockwise about its centre.
    """

    square: Box
    crop: npt.NDArray[np.uint8]
    detection: FaceDetection | None
    size_wh: tuple[int, int]
    levels: Levels
    turn_degrees: float = 0.0

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
            roll_degrees=None if self.detection is None else self.detection.roll_degrees,
        )


def face_region(detection: FaceDetection, framing: Framing) -> tuple[Box, FaceDetection]:
    """The square to read for a detected face, before it is turned, with the detection behind it.

    Args:
        detection: What the detector found.
        framing: How the classifier's crops lie in the detector's boxes.
    """
    roll, turn = detection.roll, turn_for(detection.roll_degrees)
    box = roll.box if roll is not None and turn else detection.box
    return framing.apply(box, turn_degrees=turn), detection


def cut_faces(
    image: npt.NDArray[np.uint8],
    regions: Sequence[tuple[Box, FaceDetection | None]],
    *,
    size_px: int,
) -> list[FramedFace]:
    """Cut faces out of an image.

    Args:
        image: uint8 (H, W, 3) BGR.
        regions: The square of each face and the detection behind it.
        size_px: Side of the crops.

    Returns:
        The faces in the order given.
    """
    height, width = image.shape[:2]
    faces = []
    for square, detection in regions:
        turn = turn_for(None if detection is None else detection.roll_degrees)
        part, inside = part_around(image, square, is_turned=turn != 0)
        crop, levels = crop_spread(to_gray(part), inside, size_px, turn_degrees=turn)
        faces.append(FramedFace(square, crop, detection, (width, height), levels, turn))
    return faces
