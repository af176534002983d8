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

# Two boxes overlapping more are one face (Source: CenterFace's own value for suppression).
_SAME_FACE_IOU = 0.3
# Candidates overlapping the best one this much count towards the mean, and a look with no better
# candidate than this stays out of it (docs/experiments/0001-framing.md).
_SAME_VIEW_IOU = 0.5
_LOOK_COUNTS_FROM = 0.3

_LEAST_PAIR = 2

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

    def to_image(self, box: Letterbox) -> "Candidates":
        """The same faces in pixels of the image behind a letterbox."""
        corners = box.to_image(self.boxes.reshape(-1, 2, 2))
        return Candidates(corners.reshape(-1, 4), self.scores, box.to_image(self.landmarks))


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
    if len(candidates) < _LEAST_PAIR:
        return candidates
    x_min, y_min, x_max, y_max = candidates.boxes.T
    corner_and_size = np.stack([x_min, y_min, x_max - x_min, y_max - y_min], axis=1)
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), candidates.scores.tolist(), 0.0, max_iou)
    return candidates.take(np.asarray(kept, np.intp).reshape(-1))


def fuse_looks(looks: Sequence[Candidates], *, min_score: float) -> Candidates:
    """One row per face from several looks at an image, each with many overlapping candidates.

    The best candidates decide which faces there are. A face's box and landmarks are the mean over
    the looks that see it, and within a look the mean over the neighbouring cells, weighted by
    their scores: both together are steadier than the best cell alone
    (docs/experiments/0001-framing.md).

    Args:
        looks: Candidates of each look, all in pixels of the same image.
        min_score: Faces whose best candidate is below it are left out.

    Returns:
        The faces, each with the score of its best candidate, best first.
    """
    everything = concatenate(looks)
    strong = everything.take(np.flatnonzero(everything.scores >= min_score))
    best = suppress_overlaps(strong, max_iou=_SAME_FACE_IOU)
    faces = [_average(best.take(np.array([row])), looks) for row in range(len(best))]
    # Means of different heaps may have moved onto each other.
    return suppress_overlaps(concatenate(faces), max_iou=_SAME_FACE_IOU)


def _average(best: Candidates, looks: Sequence[Candidates]) -> Candidates:
    means = []
    for look in looks:
        seen = look.take(np.flatnonzero(overlaps(best.boxes[0], look.boxes) >= _SAME_VIEW_IOU))
        if len(seen) and seen.scores.max() >= _LOOK_COUNTS_FROM:
            weights = seen.scores / seen.scores.sum()
            boxes = (weights @ seen.boxes)[None]
            means.append((boxes, np.tensordot(weights, seen.landmarks, 1)[None]))
    if not means:
        return best
    return Candidates(
        boxes=np.mean([boxes for boxes, _ in means], axis=0, dtype=np.float32),
        scores=best.scores,
        landmarks=np.mean([landmarks for _, landmarks in means], axis=0, dtype=np.float32),
    )


def overlaps(box: Floats, boxes: Floats) -> Floats:
    """Intersection over union of one box (4,) with many (N, 4): float32 (N,), 0..1."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + areas - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0).astype(np.float32)


def to_detections(candidates: Candidates, size_wh: tuple[int, int]) -> list[FaceDetection]:
    """Faces in pixels of an image of (width, height): boxes clipped, largest first.

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
