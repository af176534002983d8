"""Raw detections of a network as arrays, before and after non-maximum suppression."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.detection.letterbox import Letterbox

# Boxes with a larger overlap are one face. Source: CenterFace's own suppression threshold.
_SAME_FACE_IOU = 0.3
# Candidates with at least this overlap with the best one are averaged. A pass without such a
# candidate of at least this score is ignored. Source: docs/experiments/0001-framing.md.
_NEIGHBOUR_IOU = 0.5
_MIN_PASS_SCORE = 0.3

_LEAST_PAIR = 2

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """N face candidates as rows of arrays.

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
        """Select rows in the given order."""
        return Candidates(self.boxes[rows], self.scores[rows], self.landmarks[rows])

    def to_image(self, box: Letterbox) -> "Candidates":
        """Convert the candidates from letterbox pixels to image pixels."""
        corners = box.to_image(self.boxes.reshape(-1, 2, 2))
        return Candidates(corners.reshape(-1, 4), self.scores, box.to_image(self.landmarks))


def concatenate(parts: Sequence[Candidates]) -> Candidates:
    """Concatenate the candidates of several detection passes; empty for no pass."""
    return Candidates(
        boxes=np.concatenate([np.empty((0, 4), np.float32), *(p.boxes for p in parts)]),
        scores=np.concatenate([np.empty(0, np.float32), *(p.scores for p in parts)]),
        landmarks=np.concatenate([np.empty((0, 5, 2), np.float32), *(p.landmarks for p in parts)]),
    )


def suppress_overlaps(candidates: Candidates, *, max_iou: float) -> Candidates:
    """Keep the best of each group of overlapping boxes (greedy non-maximum suppression).

    Args:
        candidates: Any number of candidates.
        max_iou: Boxes with a larger intersection over union with a better box are removed.

    Returns:
        The remaining candidates, best score first.
    """
    if len(candidates) < _LEAST_PAIR:
        return candidates
    x_min, y_min, x_max, y_max = candidates.boxes.T
    corner_and_size = np.stack([x_min, y_min, x_max - x_min, y_max - y_min], axis=1)
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), candidates.scores.tolist(), 0.0, max_iou)
    return candidates.take(np.asarray(kept, np.intp).reshape(-1))


def fuse_passes(passes: Sequence[Candidates], *, min_score: float) -> Candidates:
    """Merge the overlapping candidates of several detection passes into one row per face.

    The best candidates determine the faces. The box and the landmarks of a face are averaged over
    the passes that detect it. Within a pass, they are the score-weighted mean of the neighbouring
    cells. Both means are more stable than the best cell alone (docs/experiments/0001-framing.md).

    Args:
        passes: Candidates of each pass, all in pixels of the same image.
        min_score: Faces whose best candidate has a lower score are left out.

    Returns:
        The faces, each with the score of its best candidate, best first.
    """
    pooled = concatenate(passes)
    strong = pooled.take(np.flatnonzero(pooled.scores >= min_score))
    best = suppress_overlaps(strong, max_iou=_SAME_FACE_IOU)
    faces = [_average(best.take(np.array([row])), passes) for row in range(len(best))]
    # Averaging may have moved different groups onto each other.
    return suppress_overlaps(concatenate(faces), max_iou=_SAME_FACE_IOU)


def _average(best: Candidates, passes: Sequence[Candidates]) -> Candidates:
    means = []
    for candidates in passes:
        is_neighbour = overlaps(best.boxes[0], candidates.boxes) >= _NEIGHBOUR_IOU
        neighbours = candidates.take(np.flatnonzero(is_neighbour))
        if len(neighbours) and neighbours.scores.max() >= _MIN_PASS_SCORE:
            weights = neighbours.scores / neighbours.scores.sum()
            boxes = (weights @ neighbours.boxes)[None]
            means.append((boxes, np.tensordot(weights, neighbours.landmarks, 1)[None]))
    if not means:
        return best
    return Candidates(
        boxes=np.mean([boxes for boxes, _ in means], axis=0, dtype=np.float32),
        scores=best.scores,
        landmarks=np.mean([landmarks for _, landmarks in means], axis=0, dtype=np.float32),
    )


def overlaps(box: Floats, boxes: Floats) -> Floats:
    """Compute the intersection over union of a box (4,) with boxes (N, 4): float32 (N,), 0..1."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + areas - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0).astype(np.float32)


def to_detections(candidates: Candidates, size_wh: tuple[int, int]) -> list[FaceDetection]:
    """Convert candidates to detections in an image of (width, height) pixels, largest first.

    Boxes are clipped to the image. Boxes that are not finite, or empty after clipping, are left
    out. Landmarks are not clipped, so that a face at the edge keeps its shape.
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
        raise ConfigError(f"min_score is {min_score}; allowed: above 0 and below 1")
