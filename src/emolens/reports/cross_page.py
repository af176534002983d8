"""Report of several models on several data sets as an HTML page."""

import re
from collections import Counter

import numpy as np
import seaborn as sns
from markupsafe import Markup

from emolens.contract import Provenance
from emolens.evaluation.cross import ALL_IMAGES, CrossEvaluation
from emolens.reports.page import render_page
from emolens.reports.svg import SEQUENTIAL, new_figure, plotting, to_svg


def cross_page(cross: CrossEvaluation, *, made: Provenance) -> str:
    """Render the report, with links to the report of each pair.

    Args:
        cross: The evaluations.
        made: The record of how the matrix was made.

    Returns:
        The page as HTML. The links are relative, to the folders of `folders_of`.
    """
    with plotting():
        plots = {
            "accuracy": _matrix_plot(cross, "accuracy"),
            "macro_f1": _matrix_plot(cross, "macro_f1"),
        }
        if cross.has_detection:
            plots[ALL_IMAGES] = _matrix_plot(cross, ALL_IMAGES)
    links = {
        column.name: [f"{folder}/report.html" for folder in folders]
        for column, folders in zip(cross.columns, folders_of(cross), strict=True)
    }
    return render_page("cross.html", cross=cross, plots=plots, links=links, made=made)


def folders_of(cross: CrossEvaluation) -> list[list[str]]:
    """Name the folders for the reports of all pairs.

    Returns:
        A list per data set with one unique name per model, in order. The names contain only ASCII
        letters, digits and dashes, for any file system.
    """
    seen: Counter[str] = Counter()

    def folder(model: str, data: str) -> str:
        name = re.sub(r"[^A-Za-z0-9]+", "-", f"{model}-on-{data}").strip("-")
        # Some file systems ignore case.
        seen[name.lower()] += 1
        number = seen[name.lower()]
        return f"{name}--{number}" if number > 1 else name

    return [[folder(model, column.name) for model in cross.models] for column in cross.columns]


def _matrix_plot(cross: CrossEvaluation, metric: str) -> Markup:
    values = np.array(cross.matrix(metric))
    as_percent = metric in {"accuracy", ALL_IMAGES}
    figure = new_figure(3.2 + 1.3 * len(cross.data), 1.6 + 0.55 * len(cross.models))
    axes = figure.subplots()
    sns.heatmap(
        values,
        annot=True,
        fmt=".1%" if as_percent else ".3f",
        cmap=SEQUENTIAL,
        vmin=0,
        vmax=1,
        linewidths=1,
        xticklabels=cross.data,
        yticklabels=cross.models,
        cbar=False,
        ax=axes,
    )
    axes.set_xlabel("data set")
    axes.set_ylabel("model")
    axes.tick_params(axis="y", rotation=0)
    name = metric.replace("_f1", "-F1").replace("_", " ")
    texts = "; ".join(
        f"{model} on {data}: {value:.1%}" if as_percent else f"{model} on {data}: {value:.3f}"
        for model, row in zip(cross.models, values.tolist(), strict=True)
        for data, value in zip(cross.data, row, strict=True)
    )
    return to_svg(figure, f"{name}: {texts}")
