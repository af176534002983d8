"""Report of an evaluation as an HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from emolens.contract import Provenance
from emolens.core.emotion import LABELS, N_EMOTIONS
from emolens.evaluation.evaluation import Evaluation
from emolens.evaluation.slices import Slice, Slices
from emolens.reports.page import render_page, to_data_uri
from emolens.reports.plots import (
    class_plot,
    comparison_plot,
    confusion_plot,
    reliability_plot,
    risk_plot,
    slices_plot,
)
from emolens.reports.svg import plotting
from emolens.reports.text import model_text

_N_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Subject:
    """The model and the data of an evaluation.

    Attributes:
        model: Name of the model.
        model_sha256: SHA-256 of the model file.
        data: Name of the source of the faces.
        data_sha256: SHA-256 of the faces.
        split: Split of the faces, or None.
        target: Ground truth, one of `Target`.
        training: Name of the source of the training rows, or None.
        tta: Whether predictions are means over ten views.
        rival: Name of the second model, or None.
        made: The record of how the evaluation was made.
        warnings: Assumptions about the faces, such as the order of numeric labels.
    """

    model: str
    model_sha256: str
    data: str
    data_sha256: str
    split: str | None
    target: str
    training: str | None
    tta: bool
    rival: str | None
    made: Provenance
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A face with its prediction.

    Attributes:
        image: uint8 (H, W) grey or (H, W, 3) BGR.
        label: Label of the data set.
        predicted: Predicted class.
        confidence: Probability of the predicted class, 0..1.
    """

    image: npt.NDArray[np.uint8]
    label: str
    predicted: str
    confidence: float

    @property
    def uri(self) -> str:
        """The image as a data URI."""
        return to_data_uri(self.image)


@dataclass(frozen=True, slots=True)
class Gallery:
    """The faces of a report; a report has none by default.

    Attributes:
        mistakes: Wrong predictions, from `example_mistakes`.
        hit_maps: Heat maps of correct predictions, from `example_hits`.
        miss_maps: Heat maps of wrong predictions, from `example_mistakes`.
        about_maps: What the colours of the maps show, and their measured agreement.
    """

    mistakes: tuple[Thumbnail, ...]
    hit_maps: tuple[Thumbnail, ...]
    miss_maps: tuple[Thumbnail, ...]
    about_maps: str


def example_hits(evaluation: Evaluation) -> npt.NDArray[np.int64]:
    """Select correct predictions of every class: sure, ordinary and doubtful ones.

    Returns:
        int64 (up to 24,), rows by label. Each label has up to three: those of the highest, the
        middle and the lowest confidence.
    """
    chosen: list[int] = []
    for rows in _by_label(evaluation, hits=True):
        last = len(rows) - 1
        chosen += [rows[place] for place in sorted({0, last // 2, last}) if rows]
    return np.array(chosen, np.int64)


def example_mistakes(evaluation: Evaluation) -> npt.NDArray[np.int64]:
    """Select the most confident wrong predictions, evenly among the labels.

    Returns:
        int64 (up to 24,), rows by label, each label in descending order of confidence. A label with
        few mistakes leaves its places to the others.
    """
    by_label = _by_label(evaluation, hits=False)
    ranks = sorted(
        (place, label) for label, rows in enumerate(by_label) for place in range(len(rows))
    )
    shown = sorted((label, place) for place, label in ranks[:_N_SHOWN])
    return np.array([by_label[label][place] for label, place in shown], np.int64)


def _by_label(evaluation: Evaluation, *, hits: bool) -> list[list[int]]:
    """List the rows of the correct or wrong predictions of each label, most confident first."""
    predictions = evaluation.predictions
    order = np.argsort(-predictions.confidence, kind="stable")
    order = order[predictions.hits[order] == hits]
    return [order[predictions.labels[order] == label].tolist() for label in range(N_EMOTIONS)]


def thumbnails(
    evaluation: Evaluation, images: Sequence[npt.NDArray[np.uint8]], rows: npt.NDArray[np.int64]
) -> tuple[Thumbnail, ...]:
    """Combine images with their labels and predictions.

    Args:
        evaluation: The evaluation.
        images: One image per row, uint8 (H, W) grey or (H, W, 3) BGR.
        rows: int64 (N,), rows of the evaluation.
    """
    predictions = evaluation.predictions
    return tuple(
        Thumbnail(
            image,
            LABELS[predictions.labels[row]],
            LABELS[predictions.predicted[row]],
            float(predictions.confidence[row]),
        )
        for image, row in zip(images, rows.tolist(), strict=True)
    )


def write_report(evaluation: Evaluation, subject: Subject, gallery: Gallery | None = None) -> str:
    """Render the report of an evaluation.

    Args:
        evaluation: The metrics.
        subject: The model and the data.
        gallery: Faces to show; by default the page shows none.

    Returns:
        The page as HTML.
    """
    metrics = evaluation.metrics
    with plotting():
        plots = {
            "confusion": confusion_plot(metrics),
            "classes": class_plot(metrics),
            "reliability": reliability_plot(evaluation),
            "risk": risk_plot(evaluation),
            "slices": slices_plot(evaluation.slices, metrics.accuracy),
            "groups": _groups_plot(evaluation),
            "comparison": (
                comparison_plot(evaluation, (subject.model, subject.rival or ""))
                if evaluation.comparison
                else ""
            ),
        }
    return render_page(
        "evaluation.html",
        made=subject.made,
        evaluation=evaluation,
        metrics=metrics,
        subject=subject,
        plots=plots,
        gallery=gallery,
        labels=metrics.with_faces,
        model=model_text(subject.model, subject.model_sha256),
        reasons=evaluation.to_dict()["not_defined"],
    )


def _groups_plot(evaluation: Evaluation) -> Markup | str:
    """Plot the accuracy of each group with its interval; empty without groups."""
    if evaluation.by_group is None:
        return ""
    parts = tuple(
        Slice(group.name, group.metrics.n, group.metrics.accuracy, group.metrics.accuracy_ci95)
        if group.metrics
        else Slice(group.name, 0, None, None)
        for group in evaluation.by_group.groups
    )
    return slices_plot((Slices(evaluation.by_group.column, parts),), evaluation.metrics.accuracy)
