"""Report of a data set audit as an HTML page without images of faces."""

import numpy as np
from markupsafe import Markup

from emolens.contract import Provenance
from emolens.curation.audit import Audit
from emolens.datasets.reading import without_folder
from emolens.reports.page import percent, render_page
from emolens.reports.svg import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    NiceLocator,
    new_figure,
    plotting,
    to_svg,
)

_N_LISTED = 1000
_COLORS = (BLUE, ORANGE, GREEN, GREY)
_LARGEST_SHOWN = 10


def audit_page(audit: Audit, *, made: Provenance) -> str:
    """Render the report of an audit.

    Args:
        audit: The result of the audit.
        made: The record of how the audit was made.

    Returns:
        The page as HTML. It has the names of the sources without their folders, because a page is
        passed on.
    """
    sources = audit.audited.sources
    has_faces = len(audit.audited) > 0
    with plotting():
        plots = {
            "counts": _counts_plot(audit) if has_faces else None,
            "splits": _splits_plot(audit) if audit.splits else None,
            "sizes": _sizes_plot(audit) if audit.near.n_groups else None,
            "agreement": _agreement_plot(audit) if audit.agreement else None,
        }
    return render_page(
        "audit.html",
        audit=audit,
        n_faces=len(audit.audited),
        labels=audit.labels,
        without_faces=audit.labels_without_faces,
        sources=[source.name or source.resolve().name for source in sources],
        shown=lambda text: without_folder((text,), *sources)[0],
        plots=plots,
        n_listed=_N_LISTED,
        made=made,
    )


def _counts_plot(audit: Audit) -> Markup:
    """Plot the class distribution of each split."""
    figure = new_figure(6.2, 1.2 + 0.46 * len(audit.labels))
    axes = figure.subplots()
    height = 0.8 / len(audit.counts)
    labels = audit.labels
    for number, (split, by_label) in enumerate(audit.counts.items()):
        total = sum(by_label.values())
        axes.barh(
            np.arange(len(labels)) + (number - (len(audit.counts) - 1) / 2) * height,
            [100 * by_label[label] / total for label in labels],
            height=0.9 * height,
            color=_COLORS[number],
            label=f"{split} ({total:,})",
        )
    axes.set_yticks(np.arange(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("share of the split, %")
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper right", ncols=len(audit.counts))
    return to_svg(figure, "Class distribution of each split. The table lists the counts.")


def _splits_plot(audit: Audit) -> Markup:
    """Plot the share of each split with duplicates in another split."""
    figure = new_figure(6.2, 1.2 + 0.4 * len(audit.splits))
    axes = figure.subplots()
    names = [f"{pair.held_out} in {pair.other}" for pair in audit.splits]
    exact = [100 * pair.n_exact / pair.n_faces for pair in audit.splits]
    near = [100 * (pair.n_near - pair.n_exact) / pair.n_faces for pair in audit.splits]
    axes.barh(names, exact, height=0.5, color=ORANGE, label="exact duplicates")
    bars = axes.barh(names, near, left=exact, height=0.5, color=BLUE, label="near-duplicates")
    axes.bar_label(bars, [f" {one + other:.1f}" for one, other in zip(exact, near, strict=True)])
    axes.set_xlabel("faces with duplicates, %")
    axes.set_xlim(0, 1.15 * max(1.0, *map(sum, zip(exact, near, strict=True))))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper right", ncols=2)
    shares = "; ".join(
        f"{pair.held_out} in {pair.other}: {percent(pair.n_near / pair.n_faces)}"
        for pair in audit.splits
    )
    return to_svg(figure, f"Faces with duplicates in another split. {shares}.")


def _sizes_plot(audit: Audit) -> Markup:
    """Plot the sizes of the groups of duplicates."""
    sizes = np.arange(2, _LARGEST_SHOWN + 1)
    names = [str(size) for size in sizes[:-1]] + [f"{_LARGEST_SHOWN} or more"]
    figure = new_figure(6.2, 3.2)
    axes = figure.subplots()
    kinds = (
        ("exact duplicates", audit.exact, ORANGE),
        ("exact and near-duplicates", audit.near, BLUE),
    )
    for offset, (name, counts, color) in zip((-0.2, 0.2), kinds, strict=True):
        n_groups = [
            sum(n for size, n in counts.sizes.items() if min(size, _LARGEST_SHOWN) == shown)
            for shown in sizes
        ]
        bars = axes.bar(sizes + offset, n_groups, width=0.38, color=color, label=name)
        axes.bar_label(bars, [f"{n:,}" if n else "" for n in n_groups], fontsize=8)
    axes.set_xticks(sizes, names)
    axes.set(xlabel="images per group", ylabel="groups")
    axes.yaxis.set_major_locator(NiceLocator(is_count=True))
    axes.grid(visible=False, axis="x")
    axes.legend()
    return to_svg(
        figure,
        f"Sizes of {audit.exact.n_groups} groups of exact duplicates and of "
        f"{audit.near.n_groups} groups of exact and near-duplicates.",
    )


def _agreement_plot(audit: Audit) -> Markup:
    """Plot the share of labels that equal the majority vote, by class."""
    agreement = audit.agreement or {}
    labels = audit.labels
    shares = [100 * (agreement[label].share or 0) for label in labels]
    figure = new_figure(6.2, 0.95 + 0.35 * len(labels))
    axes = figure.subplots()
    bars = axes.barh(labels, shares, height=0.6, color=BLUE)
    axes.bar_label(bars, [f" {share:.0f}" for share in shares], fontsize=9)
    overall = 100 * (agreement["all"].share or 0)
    axes.axvline(overall, color="0.2", linestyle=":", linewidth=1.5)
    axes.text(overall, -0.72, f"all: {overall:.0f}", ha="center", fontsize=9)
    axes.set_xlim(0, 105)
    axes.invert_yaxis()
    axes.set_xlabel("labels equal to the majority vote, %")
    axes.grid(visible=False, axis="y")
    texts = ", ".join(f"{label} {share:.0f} %" for label, share in zip(labels, shares, strict=True))
    return to_svg(figure, f"Labels equal to the majority vote of FER+'s raters: {texts}.")
