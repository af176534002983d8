"""Marked images and a detector for them without a model, for fast and exact tests."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box, Framing

Pixels = npt.NDArray[np.uint8]

# The blue channel of a marked image, far from the grey background of a `SyntheticSource`.
_LOWEST_MARK = 200
# Smallest width and height of a face.
_MIN_PX = 4


def marked_image(mark: int, *, brightness: int, side_px: int = 100) -> Pixels:
    """Create an image that `MarkDetector` detects and `FakeClassifier` classifies by brightness.

    Args:
        mark: 0 to 55; images with the same mark are the same subject.
        brightness: Mean grey value, 60 to 195, which leaves room for the texture.
        side_px: Side in pixels.

    Returns:
        uint8 (side_px, side_px, 3) BGR with enough detail to be assessable.
    """
    blue = _LOWEST_MARK + mark
    rows, columns = np.indices((side_px, side_px))
    checks = np.where((rows // 6 + columns // 6) % 2, 1, -1) * 40
    # Grey is 0.114 blue + 0.587 green + 0.299 red.
    others = np.clip((brightness - 0.114 * blue) / 0.886 + checks, 0, 255)
    channels = [np.full(others.shape, blue), others, others]
    return np.ascontiguousarray(np.stack(channels, axis=-1).round(), np.uint8)


class MarkDetector:
    """A detector for the visible parts of images created by `marked_image`.

    Implements `emolens.core.ports.FaceDetector`. A partly hidden face has a smaller box, as with
    real detectors, and a fully hidden face is not detected.

    Args:
        marks: The marks to detect.
    """

    name = "mark"
    framing = Framing(shift_x=0.0, shift_y=0.0, scale=1.0)

    def __init__(self, marks: Sequence[int] = (0,)) -> None:
        self._marks = tuple(marks)
        self.n_calls = 0

    def detect(self, image: Pixels) -> list[FaceDetection]:
        """Detect the faces of a uint8 (H, W, 3) BGR image, largest first."""
        self.n_calls += 1
        found = [self._find(image[:, :, 0], _LOWEST_MARK + mark) for mark in self._marks]
        boxes = sorted((box for box in found if box is not None), key=lambda box: -box.area)
        return [FaceDetection(box, 0.9) for box in boxes]

    @staticmethod
    def _find(blue: npt.NDArray[np.uint8], value: int) -> Box | None:
        x, y, width, height = cv2.boundingRect((blue == value).astype(np.uint8))
        if min(width, height) < _MIN_PX:
            return None
        return Box(x, y, x + width, y + height)
