"""Paired comparison of two classifiers on the same faces, with a significance test."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from emolens.core.errors import InputError
from emolens.evaluation.predictions import Predictions
from emolens.evaluation.resampling import mean_interval


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """A comparison of two classifiers on the same faces.

    Attributes:
        n: Number of faces.
        only_first_right: Faces that only the first classifier predicts correctly.
        only_second_right: Faces that only the second classifier predicts correctly.
        mcnemar_p: p-value of McNemar's exact test for equal accuracy, 0..1.
        accuracy_difference: Accuracy of the second minus that of the first, -1..1.
        accuracy_difference_ci95: Its 95 % interval (percentile bootstrap over groups).
    """

    n: int
    only_first_right: int
    only_second_right: int
    mcnemar_p: float
    accuracy_difference: float
    accuracy_difference_ci95: tuple[float, float]


def compare(
    first: Predictions, second: Predictions, groups: npt.NDArray[np.int64] | None = None
) -> PairedComparison:
    """Compare two classifiers face by face.

    Args:
        first: Predictions of the first classifier.
        second: Predictions of the second classifier for the same faces in the same order.
        groups: int64 (N,), group of each face, for the interval; by default each face is a group.

    Raises:
        InputError: The predictions are of different faces.

    Source:
        McNemar 1947, "Note on the sampling error of the difference between correlated proportions
        or percentages", in its exact form, a two-sided binomial test.
    """
    _check_same_faces(first, second)
    n_first = int((first.hits & ~second.hits).sum())
    n_second = int((second.hits & ~first.hits).sum())
    differences = second.hits.astype(np.float64) - first.hits
    return PairedComparison(
        n=len(differences),
        only_first_right=n_first,
        only_second_right=n_second,
        mcnemar_p=(
            float(stats.binomtest(n_first, n_first + n_second).pvalue)
            if n_first + n_second
            else 1.0
        ),
        accuracy_difference=float(differences.mean()),
        accuracy_difference_ci95=mean_interval(differences, groups),
    )


def _check_same_faces(first: Predictions, second: Predictions) -> None:
    if len(first.labels) != len(second.labels):
        raise InputError(
            f"the predictions are of different faces: got {len(first.labels)} and "
            f"{len(second.labels)}; compare the same faces in the same order"
        )
    for name, ours, theirs in (
        ("faces", first.ids, second.ids),
        ("labels", first.labels.tolist(), second.labels.tolist()),
    ):
        pairs = zip(ours, theirs, strict=True)
        differing = [row for row, (our, their) in enumerate(pairs) if our != their]
        if differing:
            row = differing[0]
            raise InputError(
                f"the predictions are of different faces: {len(differing)} {name} differ, the "
                f"first in row {row + 1}: {ours[row]} and {theirs[row]}; compare the same faces in "
                "the same order"
            )
