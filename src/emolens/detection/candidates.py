"""What a detector's network gives, before and after thinning out, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.detection.letterbox import Letterbox

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """N faces as rows of arrays.

    Attributes:
        boxes: float32 (N, 4), x_min, y_min, x_max, y_max in pixels.
        scores: float32 (N,), 0..1.
        landmarks: float32 (N, 5, 2), (x, y) in pixels, in the order of
            `emolens.core.face.LANDMARK_NAMES`.
    """

    boxes: Floats
    scores: Floats
    landmarks: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: npt.NDArray[np.intp]) -> "Candidates":
        """The given rows, in the given order."""
        return Candidates(self.boxes[rows], self.scores[rows], self.landmarks[rows])

    def to_picture(self, box: Letterbox) -> "Candidates":
        """The same faces in pixels of the picture behind a letterbox."""
        corners = box.to_picture(self.boxes.reshape(-1, 2, 2))
        return Candidates(corners.reshape(-1, 4), self.scores, box.to_picture(self.landmarks))


def concatenate(parts: Sequence[Candidates]) -> Candidates:
    """All faces of several looks; none for no look."""
    return Candidates(
        boxes=np.concatenate([np.empty((0, 4), np.float32), *(p.boxes for p in parts)]),
        scores=np.concatenate([np.empty(0, np.float32), *(p.scores for p in parts)]),
        landmarks=np.concatenate([np.empty((0, 5, 2), np.float32), *(p.landmarks for p in parts)]),
    )


def suppress_overlaps(candidates: Candidates, *, max_iou: float) -> Candidates:
    """Keep the best of each heap of overlapping boxes (greedy non-maximum suppression).

    Args:
        candidates: Any number of faces.
        max_iou: Boxes that overlap a better one by more than this (intersection over union) go.

    Returns:
        What is left, best score first.
    """
    if not len(candidates):
        return candidates
    x_min, y_min, x_max, y_max = candidates.boxes.T
    corner_and_size = np.stack([x_min, y_min, x_max - x_min, y_max - y_min], axis=1)
    kept = cv2.dnn.NMSBoxes(corner_and_size, candidates.scores, 0.0, max_iou)
    return candidates.take(np.asarray(kept, np.intp).reshape(-1))


def average_best(candidates: Candidates, *, min_iou: float) -> Candidates:
    """One face out of many views of it: the best one, averaged with those that overlap it.

    Neighbouring cells see the same face independently enough that their mean is steadier than any
    one of them (docs/experiments/0001-framing.md).

    Args:
        candidates: At least one face.
        min_iou: Candidates that overlap the best one by at least this count, by their scores.

    Returns:
        One face, with the score of the best candidate.
    """
    best = int(candidates.scores.argmax())
    weights = candidates.scores * (overlaps(candidates.boxes[best], candidates.boxes) >= min_iou)
    weights = (weights / weights.sum()).astype(np.float32)
    return Candidates(
        boxes=(weights @ candidates.boxes)[None],
        scores=candidates.scores[[best]],
        landmarks=np.tensordot(weights, candidates.landmarks, 1)[None],
    )


def overlaps(box: Floats, boxes: Floats) -> Floats:
    """Intersection over union of one box (4,) with many (N, 4): float32 (N,), 0..1."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + areas - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0).astype(np.float32)


def to_detections(candidates: Candidates, size_wh: tuple[int, int]) -> list[FaceDetection]:
    """Faces in pixels of a picture of (width, height): boxes clipped, largest first.

    Boxes that are empty after clipping or not finite are left out. Landmarks are not clipped: a
    face cut off by the edge keeps its shape.
    """
    detections = []
    is_finite = np.isfinite(candidates.boxes).all(1) & np.isfinite(candidates.landmarks).all((1, 2))
    for row in np.flatnonzero(is_finite):
        x_min, y_min, x_max, y_max = map(float, candidates.boxes[row])
        box = Box(x_min, y_min, max(x_max, x_min), max(y_max, y_min)).clip(size_wh)
        if box.area > 0:
            score = float(np.clip(candidates.scores[row], 0.0, 1.0))
            detections.append(FaceDetection(box, score, candidates.landmarks[row]))
    return sorted(detections, key=lambda face: (-face.box.area, -face.score))


def check_score(min_score: float) -> None:
    """Raise `ConfigError` unless a score threshold is above 0 and below 1."""
    if not 0 < min_score < 1:
        raise ConfigError(f"min_score must be above 0 and below 1, got {min_score}")
