"""Landmark targets from several detectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.face import LANDMARK_NAMES, MIRRORED_LANDMARKS, FaceDetection
from emolens.core.ports import FaceDetector
from emolens.detection.factory import load_detector
from emolens.training.landmarks.recipe import TeacherDetector

# Detectors need surroundings, so each image is centred on a grey canvas.
_CANVAS: Final = 1.5
_GRAY: Final = 127
_STRIDE_PX: Final = 32
# Detections below this score are ignored.
_MIN_SCORE: Final = 0.5
# Minimum fraction of the views of an image with a detection.
_MIN_VIEWS: Final = 0.5
# Maximum mean distance of the landmarks of a view from the median, in sides of the box.
_MAX_SPREAD: Final = 0.08
_N_VALUES: Final = 4 + 2 * len(LANDMARK_NAMES)
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Targets that the teachers agree on, in sides of the image, 0..1.

    Attributes:
        rows: int64 (N,), the images with such targets.
        landmarks: float32 (N, 5, 2).
        boxes: float32 (N, 4), x_min, y_min, x_max, y_max.
    """

    rows: npt.NDArray[np.int64]
    landmarks: Floats
    boxes: Floats


def teach(
    images: Sequence[npt.NDArray[np.uint8]],
    teachers: Sequence[TeacherDetector],
    advance: Callable[[int], None] = lambda _n_done: None,
) -> Taught:
    """Detect the face of each image with all teachers and average the results.

    Args:
        images: N images uint8 (S, S), grey, of one face each.
        teachers: The detectors and their input sides.
        advance: Called after every image with the number of images done.

    Raises:
        ModelError: A detector is not installed.
    """
    detectors = [
        (load_detector(teacher.detector, long_side_px=_canvas_px(side)), side)
        for teacher in teachers
        for side in teacher.sides_px
    ]
    views = np.full((len(images), 2 * len(detectors), _N_VALUES), np.nan, np.float32)
    for row, image in enumerate(images):
        for column, (detector, side) in enumerate(detectors):
            for is_mirrored in (False, True):
                views[row, 2 * column + is_mirrored] = _detect(
                    detector, image, side, is_mirrored=is_mirrored
                )
        advance(row + 1)
    return agree(views)


def agree(views: Floats) -> Taught:
    """Average the views of each image, and drop images whose views do not agree.

    Args:
        views: float32 (N, V, 14), box and landmarks of V views in sides of the image; NaN for a
            view without a detection.
    """
    share = np.isfinite(views[..., 0]).mean(axis=1)
    rows = np.flatnonzero(share >= _MIN_VIEWS)
    values = views[rows]
    middle: Floats = np.asarray(np.nanmedian(values, axis=1, keepdims=True), np.float32)
    side = np.maximum(middle[..., 2] - middle[..., 0], middle[..., 3] - middle[..., 1])
    points = (values - middle)[..., 4:].reshape(*values.shape[:2], len(LANDMARK_NAMES), 2)
    spread: Floats = np.asarray(np.linalg.norm(points, axis=3).mean(axis=2), np.float32) / side
    # A view far from the median detected something else.
    values = np.where((spread > 2 * _MAX_SPREAD)[..., None], np.nan, values)
    mean_spread = np.nan_to_num(spread, nan=0).sum(axis=1) / share[rows] / views.shape[1]
    agrees = mean_spread <= _MAX_SPREAD
    mean: Floats = np.asarray(np.nanmean(values[agrees], axis=1), np.float32)
    return Taught(rows[agrees], mean[:, 4:].reshape(-1, len(LANDMARK_NAMES), 2), mean[:, :4])


def _canvas_px(side: int) -> int:
    return int(np.ceil(_CANVAS * side / _STRIDE_PX)) * _STRIDE_PX


def _detect(
    detector: FaceDetector, image: npt.NDArray[np.uint8], side: int, *, is_mirrored: bool
) -> Floats:
    """Return box and landmarks (14,) of the best detection, in sides of the image."""
    flipped = np.ascontiguousarray(image[:, ::-1] if is_mirrored else image)
    interpolation = cv2.INTER_CUBIC if side > len(image) else cv2.INTER_AREA
    shown = cv2.resize(flipped, (side, side), interpolation=interpolation)
    canvas = np.full((_canvas_px(side), _canvas_px(side), 3), _GRAY, np.uint8)
    margin = (len(canvas) - side) // 2
    canvas[margin : margin + side, margin : margin + side] = shown[..., None]
    faces = [face for face in detector.detect(canvas) if face.score >= _MIN_SCORE]
    if not faces:
        return np.full(_N_VALUES, np.nan, np.float32)
    return _values(max(faces, key=lambda face: face.score), margin, side, is_mirrored=is_mirrored)


def _values(face: FaceDetection, margin: int, side: int, *, is_mirrored: bool) -> Floats:
    if face.landmarks is None:
        return np.full(_N_VALUES, np.nan, np.float32)
    box = (np.array(face.box.to_tuple(), np.float32) - margin) / side
    landmarks = (face.landmarks - margin) / side
    if is_mirrored:
        box = np.array([1 - box[2], box[1], 1 - box[0], box[3]], np.float32)
        landmarks = (np.array([1, 0]) + landmarks * np.array([-1, 1]))[list(MIRRORED_LANDMARKS)]
    return np.concatenate([box, landmarks.reshape(-1)]).astype(np.float32)
