"""Reliability diagrams: confidence against accuracy in bins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Guo et al. 2017, "On Calibration of Modern Neural Networks", section 5.
_N_BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """A bin of faces of similar confidence.

    Attributes:
        n: Number of faces, above 0.
        confidence: Mean confidence, 0..1.
        accuracy: Accuracy, 0..1.
    """

    n: int
    confidence: float
    accuracy: float


def equal_width_bins(
    confidence: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
    """Compute 15 bins of equal width over 0..1, without empty bins.

    Args:
        confidence: float64 (N,), probability of the predicted class, 0..1.
        hits: bool (N,), whether the prediction is correct.
    """
    places = np.minimum((confidence * _N_BINS).astype(np.int64), _N_BINS - 1)
    return _bins(places, confidence, hits)


def equal_mass_bins(
    confidence: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
    """Compute up to 15 bins with equal numbers of faces, apart from ties.

    Faces of the same confidence share a bin, so their order does not matter.

    Args:
        confidence: float64 (N,), probability of the predicted class, 0..1.
        hits: bool (N,), whether the prediction is correct.

    Source:
        Nguyen and O'Connor 2015, "Posterior calibration and exploratory analysis for natural
        language processing models", section 3.
    """
    inner = np.quantile(confidence, np.arange(1, _N_BINS) / _N_BINS, method="inverted_cdf")
    places = np.searchsorted(np.unique(inner), confidence, side="left")
    return _bins(places, confidence, hits)


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Compute the expected calibration error: the mean gap of bins weighted by faces, 0..1.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    """
    gaps = sum(one.n * abs(one.confidence - one.accuracy) for one in bins)
    return gaps / sum(one.n for one in bins)


def _bins(
    places: npt.NDArray[np.int64],
    confidence: npt.NDArray[np.float64],
    hits: npt.NDArray[np.bool_],
) -> tuple[ReliabilityBin, ...]:
    counts = np.bincount(places)
    filled = counts > 0
    confidences = np.bincount(places, weights=confidence)[filled] / counts[filled]
    accuracies = np.bincount(places, weights=hits)[filled] / counts[filled]
    rows = zip(counts[filled], confidences, accuracies, strict=True)
    return tuple(ReliabilityBin(int(n), float(mean), float(share)) for n, mean, share in rows)
