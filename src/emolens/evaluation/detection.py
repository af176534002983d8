"""Metrics of the whole chain: images without a face or without a label count as not correct."""

from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from emolens.datasets.faces import DetectedFace, FaceSet
from emolens.evaluation.predictions import Predictions
from emolens.evaluation.resampling import mean_interval


@dataclass(frozen=True, slots=True)
class ImageAccuracy:
    """An accuracy over images.

    Attributes:
        n: Number of images, above 0.
        accuracy: Share of correct ones, 0..1.
        accuracy_ci95: Its 95 % interval (percentile bootstrap over groups of near-duplicates).
    """

    n: int
    accuracy: float
    accuracy_ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class DetectionMetrics:
    """The outcome of detection, and the accuracy with and without its failures.

    Attributes:
        n_images: Number of images.
        n_no_face: Images without a detected face.
        n_not_assessable: Images whose largest face cannot be assessed, so that emolens abstains.
        reasons: Number of these faces by reason; a face can have several.
        n_several_faces: Images with more than one face. The largest one is evaluated.
        all_images: Accuracy over all images. An image without a face or without a label is not
            correct.
        with_face: Accuracy over images with a face, by its most probable class, also where emolens
            abstains; None without such images.
        with_label: Accuracy over images with a label; None without such images.
    """

    n_images: int
    n_no_face: int
    n_not_assessable: int
    reasons: dict[str, int]
    n_several_faces: int
    all_images: ImageAccuracy
    with_face: ImageAccuracy | None
    with_label: ImageAccuracy | None

    @property
    def n_with_label(self) -> int:
        """Number of images with a label."""
        return self.n_images - self.n_no_face - self.n_not_assessable

    def to_dict(self) -> dict[str, object]:
        """Return plain numbers, lists and dicts."""
        return asdict(self)


def rows_with_face(faces: FaceSet) -> npt.NDArray[np.int64]:
    """Return the rows of images with a face, int64 (N,): all rows if they are face crops."""
    if faces.detected is None:
        return np.arange(len(faces))
    return np.flatnonzero([one.n_faces > 0 for one in faces.detected])


def detection_metrics(
    detected: tuple[DetectedFace, ...],
    hits: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64],
) -> DetectionMetrics:
    """Compute the metrics of N > 0 images.

    Args:
        detected: The detection of each image.
        hits: bool (N,), whether the most probable class of its face is the label of the image;
            False without a face.
        groups: int64 (N,), group of near-duplicates of each image.
    """
    has_face = np.array([one.n_faces > 0 for one in detected])
    has_label = np.array([one.has_label for one in detected])

    def accuracy(of: npt.NDArray[np.bool_]) -> ImageAccuracy | None:
        return _accuracy(hits[of], groups[of]) if of.any() else None

    return DetectionMetrics(
        n_images=len(detected),
        n_no_face=int((~has_face).sum()),
        n_not_assessable=int((has_face & ~has_label).sum()),
        reasons=dict(Counter(str(reason) for one in detected for reason in one.reasons)),
        n_several_faces=sum(one.n_faces > 1 for one in detected),
        all_images=_accuracy(hits & has_label, groups),
        with_face=accuracy(has_face),
        with_label=accuracy(has_label),
    )


def image_hits(
    predictions: Predictions, rows: npt.NDArray[np.int64], n_images: int
) -> npt.NDArray[np.bool_]:
    """Spread the hits of faces over all images, bool (n_images,); False without a face."""
    hits = np.zeros(n_images, np.bool_)
    hits[rows] = predictions.hits
    return hits


def _accuracy(hits: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64]) -> ImageAccuracy:
    interval = mean_interval(hits.astype(np.float64), groups)
    return ImageAccuracy(len(hits), float(hits.mean()), interval)
