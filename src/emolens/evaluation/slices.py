"""Accuracy on slices of a data set by rater agreement, sharpness and contrast."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.datasets.faces import FaceSet
from emolens.evaluation.agreement import agreement_level
from emolens.evaluation.predictions import Predictions
from emolens.evaluation.resampling import share_interval
from emolens.imaging.quality import measure_sharpness

# Edges between the shares of ten raters.
_AGREEMENT_EDGES = (0.45, 0.65, 0.85)
_AGREEMENT_NAMES = ("up to 4 of 10", "5 or 6 of 10", "7 or 8 of 10", "9 or 10 of 10")
_QUARTILE_NAMES = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


@dataclass(frozen=True, slots=True)
class Slice:
    """Accuracy on a part of the faces.

    Attributes:
        name: Name of the part.
        n: Number of faces, 0 or more.
        accuracy: Accuracy, 0..1; None without faces.
        ci95: Its 95 % interval (Wilson); None without faces.
    """

    name: str
    n: int
    accuracy: float | None
    ci95: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Slices:
    """Slices of the faces by one property.

    Attributes:
        by: The property.
        parts: The slices, in order.
    """

    by: str
    parts: tuple[Slice, ...]


def slice_all(predictions: Predictions, faces: FaceSet) -> tuple[Slices, ...]:
    """Slice faces by rater agreement (with votes only), by sharpness and by contrast.

    Args:
        predictions: Predictions of a classifier.
        faces: The faces, in the same order.
    """
    hits = predictions.hits
    sharpness = np.array([measure_sharpness(image) for image in faces.images])
    contrast = faces.images.std(axis=(1, 2))
    divisions = [
        _by_quartile("sharpness", sharpness, hits),
        _by_quartile("contrast (standard deviation of grey values)", contrast, hits),
    ]
    if faces.votes is not None:
        levels = agreement_level(faces.votes)
        rated = np.isfinite(levels)
        places = np.digitize(levels[rated], _AGREEMENT_EDGES)
        by = "agreement of raters"
        divisions.insert(0, _divide(by, _AGREEMENT_NAMES, places, hits[rated]))
    return tuple(divisions)


def _by_quartile(by: str, values: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_]) -> Slices:
    edges = np.quantile(values, (0.25, 0.5, 0.75))
    # Faces of the same value share a slice, so slices can differ in size.
    places = np.searchsorted(edges, values, side="left")
    return _divide(by, _QUARTILE_NAMES, places, hits)


def _divide(
    by: str,
    names: Sequence[str],
    places: npt.NDArray[np.int64],
    hits: npt.NDArray[np.bool_],
) -> Slices:
    parts = [_slice(name, hits[places == place]) for place, name in enumerate(names)]
    return Slices(by, tuple(parts))


def _slice(name: str, hits: npt.NDArray[np.bool_]) -> Slice:
    if not len(hits):
        return Slice(name, 0, None, None)
    return Slice(name, len(hits), float(hits.mean()), share_interval(hits))
