"""A whole evaluation as one page that opens offline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS
from emolens.evaluation.evaluation import Evaluation
from emolens.reports.figures import plotting
from emolens.reports.page import render_page, to_data_uri
from emolens.reports.plots import (
    class_plot,
    comparison_plot,
    confusion_plot,
    reliability_plot,
    risk_plot,
    slices_plot,
)

_N_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Subject:
    """What was measured on what.

    Attributes:
        model: Name of the model.
        model_sha256: Digest of its file.
        data: The source of the faces, as given.
        data_sha256: Digest of the faces.
        split: Their split, or None.
        target: What is right: their labels, or a target from FER+'s votes.
        training: The source of the training rows, or None.
        tta: Whether answers are means over ten views.
        rival: Name of the model that it is compared with, or None.
        emolens_version: Version of the program.
        warnings: What was assumed of the faces, such as the order of labels that are numbers.
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
    emolens_version: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A face to be shown.

    Attributes:
        image: uint8 (H, W) grey or (H, W, 3) BGR.
        label: The data set's label.
        named: What the model said.
        confidence: How sure it was, 0..1.
    """

    image: npt.NDArray[np.uint8]
    label: str
    named: str
    confidence: float

    @property
    def uri(self) -> str:
        """The image as an address that holds it."""
        return to_data_uri(self.image)


@dataclass(frozen=True, slots=True)
class Gallery:
    """Faces of a report, which people only see if somebody asked for them.

    Attributes:
        mistakes: Those the model was most sure of and wrong.
        hit_maps: Class-activation maps over faces named rightly.
        miss_maps: The same over mistakes.
    """

    mistakes: tuple[Thumbnail, ...]
    hit_maps: tuple[Thumbnail, ...]
    miss_maps: tuple[Thumbnail, ...]


def surest_rows(evaluation: Evaluation, *, hits: bool) -> npt.NDArray[np.int64]:
    """Rows int64 of up to 24 hits or misses with the highest confidence, highest first."""
    predictions = evaluation.predictions
    rows = np.flatnonzero(predictions.hits == hits)
    order = np.argsort(-predictions.confidence[rows], kind="stable")
    return np.asarray(rows[order[:_N_SHOWN]], np.int64)


def thumbnails(
    evaluation: Evaluation, images: Sequence[npt.NDArray[np.uint8]], rows: npt.NDArray[np.int64]
) -> tuple[Thumbnail, ...]:
    """Images, one for each of some rows (int64), with what the model said of them."""
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
    """The page as HTML, self-contained; images of people only where a gallery is given."""
    metrics = evaluation.metrics
    with plotting():
        plots = {
            "confusion": confusion_plot(metrics),
            "classes": class_plot(metrics),
            "reliability": reliability_plot(evaluation),
            "risk": risk_plot(evaluation),
            "slices": slices_plot(evaluation.slices, metrics.accuracy),
            "comparison": (
                comparison_plot(evaluation, (subject.model, subject.rival or ""))
                if evaluation.comparison
                else ""
            ),
        }
    return render_page(
        "evaluation.html",
        evaluation=evaluation,
        metrics=metrics,
        subject=subject,
        plots=plots,
        gallery=gallery,
        labels=LABELS,
        reasons=evaluation.to_dict()["not_defined"],
    )
