"""Face crops in the framing of the training data, between detector and classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import EmotionScores
from emolens.core.face import FaceDetection, FaceQuality, FaceResult
from emolens.core.geometry import Box, Framing
from emolens.core.ports import FaceDetector
from emolens.imaging.crop import part_around
from emolens.imaging.exposure import Levels, crop_spread
from emolens.imaging.preprocess import to_gray
from emolens.imaging.quality import assess_quality
from emolens.imaging.turn import turn_for
from emolens.pipeline.confidence import confident_label


@dataclass(frozen=True, slots=True, eq=False)
class FramedFace:
    """A face crop, ready for a classifier.

    Attributes:
        square: Square region of the face in pixels. It may extend beyond the image.
        crop: uint8 (S, S), grey; S is the side of the classifier's input. Narrow levels are spread
            (`emolens.imaging.exposure`).
        detection: The detection, or None if the image is a single cropped face.
        size_wh: (width, height) of the image in pixels.
        levels: Grey levels of the face in the original image.
        turn_degrees: Clockwise rotation of the square about its centre, in degrees.
    """

    square: Box
    crop: npt.NDArray[np.uint8]
    detection: FaceDetection | None
    size_wh: tuple[int, int]
    levels: Levels
    turn_degrees: float = 0.0

    def assess(self) -> FaceQuality:
        """Assess whether the expression of the face can be classified."""
        return assess_quality(self.size_wh, self.square, self.crop, self.detection, self.levels)

    def to_result(self, scores: EmotionScores, *, min_confidence: float = 0.0) -> FaceResult:
        """Make the result of this face from its scores.

        Args:
            scores: The scores.
            min_confidence: Minimum confidence of a label, 0..1.
        """
        quality = self.assess()
        box = self.square if self.detection is None else self.detection.box
        return FaceResult(
            box=box.clip(self.size_wh),
            detection_score=None if self.detection is None else self.detection.score,
            quality=quality,
            raw=scores,
            smoothed=None,
            label=confident_label(scores, min_confidence) if quality.is_assessable else None,
            roll_degrees=None if self.detection is None else self.detection.roll_degrees,
        )


def face_region(detection: FaceDetection, framing: Framing) -> tuple[Box, FaceDetection]:
    """Return the square to classify for a detected face, before its rotation, and the detection.

    Args:
        detection: The detected face.
        framing: Position of the classifier's crops relative to the detector's boxes.
    """
    roll, turn = detection.roll, turn_for(detection.roll_degrees)
    box = roll.box if roll is not None and turn else detection.box
    return framing.apply(box, turn_degrees=turn), detection


def detect_regions(
    detector: FaceDetector, image: npt.NDArray[np.uint8]
) -> list[tuple[Box, FaceDetection | None]]:
    """Detect the faces of a uint8 (H, W, 3) BGR image and return their squares, largest first."""
    return [face_region(one, detector.framing) for one in detector.detect(image)]


def cut_faces(
    image: npt.NDArray[np.uint8],
    regions: Sequence[tuple[Box, FaceDetection | None]],
    *,
    size_px: int,
) -> list[FramedFace]:
    """Crop faces from an image.

    Args:
        image: uint8 (H, W, 3) BGR.
        regions: The square and the detection of each face.
        size_px: Side of the crops in pixels.

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
