"""Detection in rotated copies of images without upright faces.

Detectors are trained on mostly upright faces and miss half of those that are sideways or upside
down. An image that is itself sideways, because its EXIF orientation is missing, would seem empty.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.description import Description, description_of
from emolens.core.face import FaceDetection, FaceRoll
from emolens.core.geometry import Box, Framing
from emolens.core.ports import FaceDetector
from emolens.detection.landmarks import wrap
from emolens.detection.tiles import detection_warnings

# Quarter turns counterclockwise, as in NumPy.
_QUARTERS: Final = (1, 2, 3)
# Three more passes triple the chance of a false detection, and portrait faces score high.
# Source: docs/experiments/0018-fast-detector.md.
_MIN_SCORE: Final = 0.8


class SidewaysDetector:
    """A detector with three more rotations for images without upright faces.

    Implements `emolens.core.ports.FaceDetector`.

    Args:
        detector: Detects faces in the image itself.
        turned: Detects faces in the rotated images.
    """

    def __init__(self, detector: FaceDetector, turned: FaceDetector) -> None:
        self._detector = detector
        self._turned = turned

    @property
    def name(self) -> str:
        """Name of the wrapped detector."""
        return self._detector.name

    @property
    def framing(self) -> Framing:
        """Framing of the wrapped detector."""
        return self._detector.framing

    @property
    def description(self) -> Description:
        """The settings of the wrapped detector, and that images are rotated."""
        return {**description_of(self._detector), "sideways": True}

    def warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """Return the wrapped detector's warnings for an image of (width, height) pixels."""
        return detection_warnings(self._detector, size_wh)

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces in a uint8 (H, W, 3) BGR image, in the best rotation.

        Returns:
            The faces, largest first, in pixels of the original image.

        Raises:
            InputError: The image has another dtype or shape.
        """
        upright = self._detector.detect(image)
        if upright:
            return upright
        rotations = [self._detect_rotated(image, quarters) for quarters in _QUARTERS]
        return max(rotations, key=lambda faces: sum(face.score for face in faces))

    def _detect_rotated(self, image: npt.NDArray[np.uint8], quarters: int) -> list[FaceDetection]:
        turned = np.ascontiguousarray(np.rot90(image, quarters))
        size_wh = (turned.shape[1], turned.shape[0])
        return [
            turned_back(face, quarters, size_wh)
            for face in self._turned.detect(turned)
            if face.score >= _MIN_SCORE
        ]


def turned_back(face: FaceDetection, quarters: int, size_wh: tuple[int, int]) -> FaceDetection:
    """Convert a face from a rotated image to the original image.

    Args:
        face: The face, in pixels of the rotated image.
        quarters: Number of counterclockwise quarter turns of the rotated image, 0 to 3.
        size_wh: (width, height) of the rotated image.
    """
    landmarks = None
    if face.landmarks is not None:
        points = _points_back(face.landmarks.astype(np.float64), quarters, size_wh)
        landmarks = points.astype(np.float32)
    roll = face.roll
    if roll is not None:
        center = _points_back(np.array([roll.box.center_xy]), quarters, size_wh)[0]
        half_w, half_h = roll.box.width / 2, roll.box.height / 2
        box = Box(center[0] - half_w, center[1] - half_h, center[0] + half_w, center[1] + half_h)
        roll = FaceRoll(wrap(roll.degrees + 90 * quarters), box, roll.is_certain)
    corners = np.array(face.box.to_tuple()).reshape(2, 2)
    placed = _points_back(corners, quarters, size_wh)
    (x_min, y_min), (x_max, y_max) = placed.min(axis=0), placed.max(axis=0)
    return replace(
        face,
        box=Box(float(x_min), float(y_min), float(x_max), float(y_max)),
        landmarks=landmarks,
        checked_roll=roll,
    )


def _points_back(
    points: npt.NDArray[np.float64], quarters: int, size_wh: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Convert points (N, 2) of a counterclockwise rotated image to the original image."""
    width, height = size_wh
    for _ in range(quarters):
        # A quarter turn clockwise moves the left side to the top.
        points = np.stack([height - points[:, 1], points[:, 0]], axis=1)
        width, height = height, width
    return points
