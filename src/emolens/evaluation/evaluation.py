"""All metrics of a model on a data set."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from emolens.datasets.faces import FaceSet
from emolens.evaluation.agreement import VoteAgreement, vote_agreement
from emolens.evaluation.by_group import ByGroup
from emolens.evaluation.calibration import untempered
from emolens.evaluation.comparison import PairedComparison
from emolens.evaluation.detection import DetectionMetrics
from emolens.evaluation.leaks import Leaks
from emolens.evaluation.metrics import ClassificationMetrics, compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.evaluation.reliability import ReliabilityBin, equal_mass_bins
from emolens.evaluation.slices import Slices, slice_all
from emolens.evaluation.uncertainty import (
    Abstention,
    RiskCoverage,
    choose_threshold,
    risk_coverage,
)

# Accuracies for which thresholds are chosen.
TARGET_ACCURACIES = (0.8, 0.9, 0.95)
# Points of the risk-coverage curve in JSON: one per percent of coverage.
_N_CURVE_POINTS = 101


@dataclass(frozen=True, slots=True, eq=False)
class LeakFree:
    """Metrics without faces that are in the training rows.

    Attributes:
        n_exact: Evaluated faces with the same pixels as a training row.
        n_near: Evaluated faces that are near-duplicates of a training row, including exact ones;
            these are left out.
        metrics: Metrics of the other faces; None if no face is left.
    """

    n_exact: int
    n_near: int
    metrics: ClassificationMetrics | None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All metrics of a model on a data set.

    Attributes:
        predictions: Predictions of the model.
        metrics: Classification metrics.
        bins: Reliability bins: confidence against accuracy.
        before_temperature: Metrics without the model's temperature; None with ten views, whose mean
            has no temperature.
        bins_before: Reliability bins without the temperature, or None.
        risk: Risk-coverage curve.
        abstention: Thresholds for `TARGET_ACCURACIES`.
        leak_free: Metrics without leaked faces; None without training rows.
        votes: Agreement with FER+'s raters; None without votes.
        slices: Accuracy on parts of the faces.
        n_groups: Groups of near-duplicates among the faces, the resampling units of the intervals.
        one_view: Metrics with one view, if ten views were used.
        views: Comparison of ten views with one, if ten views were used.
        rival: Metrics of another model on the same faces, or None.
        comparison: Comparison with the other model, or None.
        detection: The outcome of detection, if faces were detected. All other metrics are those of
            the images with a face.
        by_group: Metrics by group, if a column of groups was given.
    """

    predictions: Predictions
    metrics: ClassificationMetrics
    bins: tuple[ReliabilityBin, ...]
    before_temperature: ClassificationMetrics | None
    bins_before: tuple[ReliabilityBin, ...] | None
    risk: RiskCoverage
    abstention: tuple[Abstention, ...]
    leak_free: LeakFree | None
    votes: VoteAgreement | None
    slices: tuple[Slices, ...]
    n_groups: int
    one_view: ClassificationMetrics | None = None
    views: PairedComparison | None = None
    rival: ClassificationMetrics | None = None
    comparison: PairedComparison | None = None
    detection: DetectionMetrics | None = None
    by_group: ByGroup | None = None

    def to_dict(self) -> dict[str, object]:
        """Return plain numbers, lists and dicts; undefined values are None with a reason."""
        return {
            **self.metrics.to_dict(),
            "n_groups": self.n_groups,
            "before_temperature": _headline(self.before_temperature),
            "one_view": _headline(self.one_view),
            "ten_views_against_one": _plain(self.views),
            "risk_coverage": _curve(self.risk),
            "abstention": [asdict(one) for one in self.abstention],
            "leak_free": _leak_free(self.leak_free),
            "ferplus": _plain(self.votes),
            "slices": [asdict(slices) for slices in self.slices],
            "rival": _headline(self.rival),
            "comparison": _plain(self.comparison),
            "detection": self.detection.to_dict() if self.detection else None,
            "by_group": self.by_group.to_dict() if self.by_group else None,
            "not_defined": self._reasons(),
        }

    def _reasons(self) -> dict[str, str]:
        reasons = {
            "before_temperature": (
                self.before_temperature,
                "the mean of ten views has no temperature",
            ),
            "leak_free": (
                self.leak_free,
                "there are no training rows to compare with",
            ),
            "ferplus": (self.votes, "the data set has no FER+ votes"),
        }
        missing = {key: reason for key, (value, reason) in reasons.items() if value is None}
        if self.leak_free and self.leak_free.metrics is None:
            missing["leak_free"] = "every evaluated face is in the training rows"
        return missing


def evaluate(
    predictions: Predictions, faces: FaceSet, leaks: Leaks, temperature: float | None
) -> Evaluation:
    """Compute all metrics of predictions.

    Args:
        predictions: Predictions of a model.
        faces: The faces, in the same order.
        leaks: Near-duplicates among the faces and in the training rows.
        temperature: Temperature of the model; None if the predictions are means of several views.
    """
    confidence, hits = predictions.confidence, predictions.hits
    before = None if temperature is None else untempered(predictions, temperature)
    return Evaluation(
        predictions=predictions,
        metrics=compute_metrics(predictions, leaks.groups),
        bins=equal_mass_bins(confidence, hits),
        before_temperature=compute_metrics(before, leaks.groups) if before else None,
        bins_before=equal_mass_bins(before.confidence, before.hits) if before else None,
        risk=risk_coverage(confidence, hits),
        abstention=tuple(
            choose_threshold(confidence, hits, target) for target in TARGET_ACCURACIES
        ),
        leak_free=_without_leaks(predictions, leaks),
        votes=None if faces.votes is None else vote_agreement(predictions, faces.votes),
        slices=slice_all(predictions, faces),
        n_groups=len(np.unique(leaks.groups)),
    )


def _without_leaks(predictions: Predictions, leaks: Leaks) -> LeakFree | None:
    if leaks.exact is None or leaks.near is None:
        return None
    rows = np.flatnonzero(~leaks.near)
    return LeakFree(
        n_exact=int(leaks.exact.sum()),
        n_near=int(leaks.near.sum()),
        metrics=(
            compute_metrics(predictions.take(rows), leaks.groups[rows]) if len(rows) else None
        ),
    )


def _headline(metrics: ClassificationMetrics | None) -> dict[str, object] | None:
    if metrics is None:
        return None
    whole = metrics.to_dict()
    return {key: whole[key] for key in whole if key not in {"per_class", "confusion_matrix"}}


def _leak_free(leak_free: LeakFree | None) -> dict[str, object] | None:
    if leak_free is None:
        return None
    metrics = leak_free.metrics.to_dict() if leak_free.metrics else {"n": 0}
    return {"n_exact": leak_free.n_exact, "n_near": leak_free.n_near, **metrics}


def _plain(metrics: VoteAgreement | PairedComparison | None) -> dict[str, object] | None:
    return None if metrics is None else asdict(metrics)


def _curve(risk: RiskCoverage) -> dict[str, object]:
    targets = np.linspace(0, 1, _N_CURVE_POINTS)[1:]
    last = len(risk.coverage) - 1
    # Rounding errors can leave the last coverage slightly below 1.
    points = np.unique(np.minimum(np.searchsorted(risk.coverage, targets), last))
    return {
        "aurc": risk.aurc,
        "coverage": _rounded(risk.coverage[points]),
        "risk": _rounded(risk.risk[points]),
        "threshold": _rounded(risk.thresholds[points]),
    }


def _rounded(values: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]
