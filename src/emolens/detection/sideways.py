"""Look at an image without faces again, turned by a quarter, a half and three quarters.

Detectors learn from faces that are mostly upright, and find half of those that lie on their side
or upside down. An image that lies itself, for want of its EXIF entry, would seem to be empty.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceDetection, FaceRoll
from emolens.core.geometry import Box, Framing
from emolens.core.ports import FaceDetector
from emolens.detection.landmarks import wrap
from emolens.detection.tiles import detection_warnings

# Quarter turns counterclockwise, as numpy counts them.
_QUARTERS: Final = (1, 2, 3)
# Three more looks are three more chances of a false find, and the face of a portrait is clear.
# Source: docs/experiments/0018-fast-detector.md.
_MIN_SCORE: Final = 0.8


class SidewaysDetector:
    """Another detector that looks at images without faces in three more ways.

    Implements `emolens.core.ports.FaceDetector`.

    Args:
        detector: Detects faces in images as they are.
        turned: Detects faces in images that are turned, for the other three looks.
    """

    def __init__(self, detector: FaceDetector, turned: FaceDetector) -> None:
        self._detector = detector
        self._turned = turned

    @property
    def name(self) -> str:
        """The other detector's name."""
        return self._detector.name

    @property
    def framing(self) -> Framing:
        """The other detector's framing."""
        return self._detector.framing

    def warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """What the other detector leaves out in an image of (width, height) pixels."""
        return detection_warnings(self._detector, size_wh)

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces of a uint8 (H, W, 3) BGR image; of the turned looks the best counts.

        Returns:
            The faces, largest first, in pixels of the image as it was given.

        Raises:
            InputError: Not an image of that kind.
        """
        found = self._detector.detect(image)
        if found:
            return found
        looks = [self._look(image, quarters) for quarters in _QUARTERS]
        return max(looks, key=lambda faces: sum(face.score for face in faces))

    def _look(self, image: npt.NDArray[np.uint8], quarters: int) -> list[FaceDetection]:
        turned = np.ascontiguousarray(np.rot90(image, quarters))
        size_wh = (turned.shape[1], turned.shape[0])
        return [
            turned_back(face, quarters, size_wh)
            for face in self._turned.detect(turned)
            if face.score >= _MIN_SCORE
        ]


def turned_back(face: FaceDetection, quarters: int, size_wh: tuple[int, int]) -> FaceDetection:
    """A face of an image that was turned, as it lies in the image before.

    Args:
        face: The face, in pixels of the turned image.
        quarters: How many quarter turns counterclockwise the image had been turned, 0 to 3.
        size_wh: (width, height) of the turned image.
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
    """Points (N, 2) of an image turned counterclockwise, before it was turned."""
    width, height = size_wh
    for _ in range(quarters):
        # A quarter turn clockwise: what was at the left comes to lie at the top.
        points = np.stack([height - points[:, 1], points[:, 0]], axis=1)
        width, height = height, width
    return points
