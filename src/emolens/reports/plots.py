"""Plots of an evaluation report, readable in grey and with any colour vision.

Call all functions inside `svg.plotting`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from emolens.core.emotion import LABELS
from emolens.evaluation.evaluation import Evaluation
from emolens.evaluation.metrics import ClassificationMetrics
from emolens.evaluation.reliability import ReliabilityBin
from emolens.evaluation.slices import Slices
from emolens.reports.page import percent
from emolens.reports.svg import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SEQUENTIAL,
    NiceLocator,
    new_figure,
    to_svg,
)

_PERCENT = FuncFormatter(lambda share, _place: f"{100 * share:.4g}\u00a0%")


def confusion_plot(metrics: ClassificationMetrics) -> Markup:
    """Plot the confusion matrix, with row-wise shares and counts."""
    counts = metrics.shown_matrix
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    texts = np.array(
        [
            [f"{share:.0%}\n{n}" for share, n in zip(*row, strict=True)]
            for row in zip(shares, counts, strict=True)
        ]
    )
    n_rows, n_columns = counts.shape
    figure = new_figure(max(1.7 + 0.7 * n_columns, 4.4), 1.4 + 0.6 * n_rows)
    axes = figure.subplots()
    sns.heatmap(
        shares,
        annot=texts,
        fmt="",
        cmap=SEQUENTIAL,
        vmin=0,
        vmax=1,
        square=True,
        linewidths=1,
        xticklabels=metrics.predicted_labels,
        yticklabels=metrics.with_faces,
        annot_kws={"fontsize": 8.5},
        cbar_kws={"label": "share of the faces with the label", "format": _PERCENT, "shrink": 0.8},
        ax=axes,
    )
    axes.set(xlabel="predicted", ylabel="label")
    axes.tick_params(axis="x", rotation=35, length=0)
    axes.tick_params(axis="y", rotation=0, length=0)
    worst = _largest_confusion(metrics.confusion_matrix)
    rows = ", ".join(metrics.with_faces)
    return to_svg(figure, f"Confusion matrix of the labels {rows}. {worst}")


def class_plot(metrics: ClassificationMetrics) -> Markup:
    """Plot precision, recall and F1 per class."""
    labels = metrics.with_faces
    figure = new_figure(6.6, 1.15 + 0.55 * len(labels))
    axes = figure.subplots()
    styles = (("precision", BLUE, ""), ("recall", "#E69F00", "///"), ("f1", GREY, ""))
    places = np.arange(len(labels))
    for offset, (name, color, hatch) in zip((-0.27, 0, 0.27), styles, strict=True):
        values = [getattr(metrics.per_class[label], name) for label in labels]
        axes.barh(
            places + offset,
            [value or 0 for value in values],
            height=0.25,
            color=color,
            hatch=hatch,
            edgecolor="white",
            label="F1" if name == "f1" else name,
        )
        for place, value in zip(places + offset, values, strict=True):
            text = "not defined" if value is None else f"{value:.0%}"
            axes.text((value or 0) + 0.01, place, text, va="center", fontsize=7.5, color="0.25")
    supports = [metrics.per_class[label].support for label in labels]
    axes.set_yticks(places, [f"{label}\n{n:,}" for label, n in zip(labels, supports, strict=True)])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.08), xlabel="value")
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper center", ncols=3)
    texts = [f"{label} F1 {percent(metrics.per_class[label].f1, 0)}" for label in labels]
    return to_svg(figure, f"Precision, recall and F1 per class: {', '.join(texts)}.")


def reliability_plot(evaluation: Evaluation) -> Markup:
    """Plot a reliability diagram above a histogram of the confidence."""
    figure = new_figure(5.6, 5.4)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    axes.plot((0, 1), (0, 1), color="0.6", linewidth=1, linestyle=":", label="perfect calibration")
    if evaluation.bins_before:
        _reliability_line(axes, evaluation.bins_before, ORANGE, "s--", "without temperature")
    name = "with temperature" if evaluation.bins_before else "measured"
    _reliability_line(axes, evaluation.bins, BLUE, "o-", name)
    axes.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.legend(loc="upper left")
    below.hist(evaluation.predictions.confidence, bins=np.linspace(0, 1, 31).tolist(), color=GREY)
    below.set(xlabel="confidence", ylabel="faces")
    below.xaxis.set_major_formatter(_PERCENT)
    below.yaxis.set_major_locator(NiceLocator(is_count=True))
    error = evaluation.metrics.ece
    return to_svg(figure, f"Reliability diagram. Expected calibration error: {error:.3f}.")


def risk_plot(evaluation: Evaluation) -> Markup:
    """Plot the risk-coverage curve with the chosen thresholds."""
    figure = new_figure(5.6, 5.4)
    axes = figure.subplots()
    curve = evaluation.risk
    axes.plot(curve.coverage, curve.risk, color=BLUE)
    for chosen in evaluation.abstention:
        if chosen.threshold is None or chosen.accuracy is None:
            continue
        risk = 1 - chosen.accuracy
        axes.plot(chosen.coverage, risk, "o", color=ORANGE)
        # The curve rises, so text fits below it on the right and above it on the left.
        is_left = chosen.coverage < 0.6
        axes.annotate(
            f"accuracy ≥ {chosen.target_accuracy:.0%}:\ncoverage {chosen.coverage:.0%}",
            (chosen.coverage, risk),
            textcoords="offset points",
            xytext=(8, -6) if is_left else (-8, 6),
            ha="left" if is_left else "right",
            va="top" if is_left else "bottom",
            fontsize=8.5,
        )
    # The curve is noisy for the first few faces.
    settled = curve.risk[curve.coverage > 0.02]
    top = max(float(settled.max(initial=0.05)) * 1.15, 0.05)
    axes.set(xlabel="coverage (share of faces with a prediction)")
    axes.set(ylabel="risk (error rate of the predictions)")
    axes.set(xlim=(0, 1.01), ylim=(0, top))
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    return to_svg(figure, f"Risk-coverage curve. Area under the curve: {curve.aurc:.3f}.")


def slices_plot(divisions: Sequence[Slices], overall: float) -> Markup:
    """Plot the accuracy of each subgroup with its interval, and the overall accuracy."""
    n_rows = [len(division.parts) for division in divisions]
    figure = new_figure(6.6, 0.36 * sum(n_rows) + 0.75 * len(divisions))
    all_axes = figure.subplots(len(divisions), 1, sharex=True, squeeze=False, height_ratios=n_rows)
    for axes, division in zip(all_axes[:, 0], divisions, strict=True):
        # matplotlib would read a formula between two dollar signs.
        names = [f"{part.name} ({part.n:,})".replace("$", r"\$") for part in division.parts]
        for place, part in enumerate(division.parts):
            if part.accuracy is None or part.ci95 is None:
                continue
            axes.plot(part.ci95, (place, place), color=BLUE, linewidth=2)
            axes.plot(part.accuracy, place, "o", color=BLUE)
        axes.axvline(overall, color="0.5", linewidth=1, linestyle=":")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_title(division.by.replace("$", r"\$"), loc="left", fontsize=10)
        axes.xaxis.set_major_formatter(_PERCENT)
    all_axes[-1, 0].set_xlabel("accuracy (dotted line: all faces)")
    return to_svg(figure, "Accuracy by subgroup. The table below lists the values.")


def comparison_plot(evaluation: Evaluation, names: tuple[str, str]) -> Markup:
    """Plot the number of faces that only one of two models predicts correctly."""
    comparison = evaluation.comparison
    if comparison is None:
        raise ValueError("the evaluation has no comparison with another model")
    figure = new_figure(6.0, 1.5)
    axes = figure.subplots()
    counts = (comparison.only_first_right, comparison.only_second_right)
    bars = axes.barh(names, counts, color=(ORANGE, GREEN), height=0.6)
    axes.bar_label(bars, padding=3)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("faces predicted correctly by this model alone")
    axes.xaxis.set_major_locator(NiceLocator(is_count=True))
    texts = [f"{n} by {name}" for name, n in zip(names, counts, strict=True)]
    return to_svg(figure, f"Faces predicted correctly by one model alone: {', '.join(texts)}.")


def _reliability_line(
    axes: Axes, bins: Sequence[ReliabilityBin], color: str, style: str, label: str
) -> None:
    axes.plot(
        [one.confidence for one in bins],
        [one.accuracy for one in bins],
        style,
        color=color,
        markersize=4,
        label=label,
    )


def _largest_confusion(counts: npt.NDArray[np.int64]) -> str:
    wrong = counts * (1 - np.eye(len(counts), dtype=np.int64))
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    if not wrong[row, column]:
        return "All predictions are correct."
    return (
        f"Most frequent mistake: {LABELS[row]} predicted as {LABELS[column]}, "
        f"faces: {wrong[row, column]}."
    )
