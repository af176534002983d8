"""All figures of a model on a data set, as one record."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from emolens.datasets.faces import FaceSet
from emolens.evaluation.agreement import VoteAgreement, vote_agreement
from emolens.evaluation.calibration import untempered
from emolens.evaluation.comparison import PairedComparison
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

# How right answers should be: four, nine and nineteen times out of five, ten and twenty.
TARGET_ACCURACIES = (0.8, 0.9, 0.95)
# Points of the risk-coverage curve that are written to JSON: every hundredth face.
_N_CURVE_POINTS = 101


@dataclass(frozen=True, slots=True, eq=False)
class LeakFree:
    """Figures of the faces that do not stand in the training rows.

    Attributes:
        n_exact: Evaluated faces whose very pixels stand in the training rows.
        n_near: Evaluated faces that do so exactly or nearly; these are left out.
        metrics: Figures of the others; None where nothing is left.
    """

    n_exact: int
    n_near: int
    metrics: ClassificationMetrics | None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Everything that is measured of a model on a data set.

    Attributes:
        predictions: What it said.
        metrics: The figures.
        bins: Confidence against accuracy.
        before_temperature: The figures without the model's temperature; None with ten views, whose
            mean has none.
        bins_before: Confidence against accuracy without it, or None.
        risk: Risk over coverage.
        abstention: Thresholds for `TARGET_ACCURACIES`.
        leak_free: Figures without leaked faces; None without training rows.
        votes: Agreement with FER+'s raters; None without votes.
        slices: Figures of parts of the faces.
        n_groups: Groups of copies among the faces; each is drawn as one for the intervals.
        one_view: Figures of the same model with one view, where ten were used.
        views: Ten views against one, where ten were used.
        rival: Figures of another model on the same faces, or None.
        comparison: This model against the other one, or None.
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

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, lists and dicts; what is not defined is None and has a reason."""
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
            "not_defined": self._reasons(),
        }

    def _reasons(self) -> dict[str, str]:
        reasons = {
            "before_temperature": (
                self.before_temperature,
                "a mean over ten views has no temperature of its own",
            ),
            "leak_free": (
                self.leak_free,
                "no training rows were given, so faces that stand there too are not known",
            ),
            "ferplus": (self.votes, "the data set has no FER+ votes"),
        }
        missing = {key: reason for key, (value, reason) in reasons.items() if value is None}
        if self.leak_free and self.leak_free.metrics is None:
            missing["leak_free"] = "every evaluated face stands in the training rows too"
        return missing


def evaluate(
    predictions: Predictions, faces: FaceSet, leaks: Leaks, temperature: float | None
) -> Evaluation:
    """Measure what a model said.

    Args:
        predictions: What it said of the faces.
        faces: The faces, in the same order.
        leaks: Copies among them and in the training rows.
        temperature: The one that the model's logits were divided by, or None where answers are
            means of several.
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


def _leak_free(found: LeakFree | None) -> dict[str, object] | None:
    if found is None:
        return None
    figures = found.metrics.to_dict() if found.metrics else {"n": 0}
    return {"n_exact": found.n_exact, "n_near": found.n_near, **figures}


def _plain(figures: VoteAgreement | PairedComparison | None) -> dict[str, object] | None:
    return None if figures is None else asdict(figures)


def _curve(risk: RiskCoverage) -> dict[str, object]:
    wanted = np.linspace(0, 1, _N_CURVE_POINTS)[1:]
    last = len(risk.coverage) - 1
    # Rounding may leave the last coverage a hair below 1.
    places = np.unique(np.minimum(np.searchsorted(risk.coverage, wanted), last))
    return {
        "aurc": risk.aurc,
        "coverage": _rounded(risk.coverage[places]),
        "risk": _rounded(risk.risk[places]),
        "threshold": _rounded(risk.thresholds[places]),
    }


def _rounded(values: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]
