"""Intervals by resampling whole groups of faces that belong together."""

import numpy as np
import numpy.typing as npt
from scipy import stats

# Enough for an interval's ends to vary by less than 0.1 points between seeds.
_N_RESAMPLES = 2000
_BATCH = 100


def mean_interval(
    values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64] | None = None
) -> tuple[float, float]:
    """The 95 % interval of a mean: percentile bootstrap over groups, fixed seed.

    Copies of one image are hit or missed together, so they are drawn together; an interval over
    single faces would be too narrow.

    Args:
        values: float64 (N,), one a face, N > 0.
        groups: int64 (N,), number of the group of each face; every face its own unless given.

    Returns:
        Low and high end. Both are the mean itself where every group has the same one.

    Source:
        Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3; Field and Welsh
        2007, "Bootstrapping clustered data", for the drawing of groups.
    """
    if groups is None:
        groups = np.arange(len(values))
    _, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members).astype(np.float64)
    sums = np.bincount(members, weights=values)
    if np.ptp(sums / sizes) == 0:
        # Every resample is the same then, which scipy refuses.
        return float(values.mean()), float(values.mean())
    interval = stats.bootstrap(
        (sums, sizes),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=_N_RESAMPLES,
        batch=_BATCH,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def share_interval(hits: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The 95 % interval of a share of N > 0 faces, also where there are few of them.

    Source:
        Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    interval = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _ratio(
    sums: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], axis: int = -1
) -> npt.NDArray[np.float64]:
    return np.asarray(sums.sum(axis=axis) / sizes.sum(axis=axis))
