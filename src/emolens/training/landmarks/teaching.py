"""What detectors see in the images that the landmark network learns from."""

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

# An image is laid in the middle of grey, since detectors want surroundings.
_CANVAS: Final = 1.5
_GRAY: Final = 127
_STRIDE_PX: Final = 32
# What a detector is less sure of is not learnt.
_MIN_SCORE: Final = 0.5
# Of all views of an image, so many parts must show the face ...
_MIN_VIEWS: Final = 0.5
# ... and the landmarks of a view lie within this many sides of the box of the median, on average.
_MAX_SPREAD: Final = 0.08
_N_VALUES: Final = 4 + 2 * len(LANDMARK_NAMES)
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What the teachers agree on, in sides of the image, 0..1.

    Attributes:
        rows: int64 (N,), the images in which they see a face.
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
    """Ask all teachers about all images.

    Args:
        images: N images uint8 (S, S), grey, of one face each.
        teachers: Who is asked, and how large they see the images.
        advance: Called after every image with the number of images done.

    Raises:
        ModelError: A detector is not installed.
    """
    views = [
        (load_detector(teacher.detector, long_side_px=_canvas_px(side)), side)
        for teacher in teachers
        for side in teacher.sides_px
    ]
    seen = np.full((len(images), 2 * len(views), _N_VALUES), np.nan, np.float32)
    for row, image in enumerate(images):
        for column, (detector, side) in enumerate(views):
            for is_mirrored in (False, True):
                seen[row, 2 * column + is_mirrored] = _look(
                    detector, image, side, is_mirrored=is_mirrored
                )
        advance(row + 1)
    return agree(seen)


def agree(seen: Floats) -> Taught:
    """Average the views of each image, and leave out images that they do not agree on.

    Args:
        seen: float32 (N, V, 14), box and landmarks of V views in sides of the image; NaN where a
            view shows no face.
    """
    share = np.isfinite(seen[..., 0]).mean(axis=1)
    rows = np.flatnonzero(share >= _MIN_VIEWS)
    values = seen[rows]
    middle: Floats = np.asarray(np.nanmedian(values, axis=1, keepdims=True), np.float32)
    side = np.maximum(middle[..., 2] - middle[..., 0], middle[..., 3] - middle[..., 1])
    points = (values - middle)[..., 4:].reshape(*values.shape[:2], len(LANDMARK_NAMES), 2)
    spread: Floats = np.asarray(np.linalg.norm(points, axis=3).mean(axis=2), np.float32) / side
    # A view that saw something else does not count.
    values = np.where((spread > 2 * _MAX_SPREAD)[..., None], np.nan, values)
    is_sure = np.nan_to_num(spread, nan=0).sum(axis=1) / share[rows] / seen.shape[1] <= _MAX_SPREAD
    mean: Floats = np.asarray(np.nanmean(values[is_sure], axis=1), np.float32)
    return Taught(rows[is_sure], mean[:, 4:].reshape(-1, len(LANDMARK_NAMES), 2), mean[:, :4])


def _canvas_px(side: int) -> int:
    return int(np.ceil(_CANVAS * side / _STRIDE_PX)) * _STRIDE_PX


def _look(
    detector: FaceDetector, image: npt.NDArray[np.uint8], side: int, *, is_mirrored: bool
) -> Floats:
    """Box and landmarks (14,) of the face with the best score, in sides of the image."""
    way_up = np.ascontiguousarray(image[:, ::-1] if is_mirrored else image)
    interpolation = cv2.INTER_CUBIC if side > len(image) else cv2.INTER_AREA
    shown = cv2.resize(way_up, (side, side), interpolation=interpolation)
    canvas = np.full((_canvas_px(side), _canvas_px(side), 3), _GRAY, np.uint8)
    margin = (len(canvas) - side) // 2
    canvas[margin : margin + side, margin : margin + side] = shown[..., None]
    sure = [face for face in detector.detect(canvas) if face.score >= _MIN_SCORE]
    if not sure:
        return np.full(_N_VALUES, np.nan, np.float32)
    return _values(max(sure, key=lambda face: face.score), margin, side, is_mirrored=is_mirrored)


def _values(face: FaceDetection, margin: int, side: int, *, is_mirrored: bool) -> Floats:
    if face.landmarks is None:
        return np.full(_N_VALUES, np.nan, np.float32)
    box = (np.array(face.box.to_tuple(), np.float32) - margin) / side
    landmarks = (face.landmarks - margin) / side
    if is_mirrored:
        box = np.array([1 - box[2], box[1], 1 - box[0], box[3]], np.float32)
        landmarks = (np.array([1, 0]) + landmarks * np.array([-1, 1]))[list(MIRRORED_LANDMARKS)]
    return np.concatenate([box, landmarks.reshape(-1)]).astype(np.float32)
