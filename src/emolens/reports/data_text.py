"""How many faces a data set has, and what the counts do not say, as text."""

from collections.abc import Iterator

from emolens.core.emotion import LABELS
from emolens.datasets.summary import DatasetSummary, PublishedCheck
from emolens.reports.text import Block, TextTable, numbers_from


def data_text(summary: DatasetSummary) -> Iterator[Block]:
    """A table of splits and classes, and what is to be known."""
    rows = []
    for split, by_label in summary.counts.items():
        counts = [by_label[label] for label in LABELS]
        rows.append((split, *map(str, (*counts, sum(counts)))))
    headings = ("split", *LABELS, "all")
    last = len(headings) - 1
    yield TextTable(
        headings,
        rows,
        numbers_from(1, len(headings)),
        frozenset((row, last) for row in range(len(rows))),
        title=f"{summary.source}: {summary.format_name}, {summary.n_faces} faces",
    )
    yield from _warnings(summary)
    yield ""


def _warnings(summary: DatasetSummary) -> Iterator[str]:
    """What the counts do not say: assumptions, what is left out or broken, whether all is there."""
    yield from summary.warnings
    if summary.n_subjects is not None:
        yield f"{summary.n_subjects:,} people"
    if summary.left_out:
        classes = ", ".join(f"{name} {n:,}" for name, n in summary.left_out.items())
        yield f"left out, none of the seven classes: {classes}"
    if summary.n_damaged:
        yield f"skipped, cannot be read: {summary.n_damaged:,}, such as {summary.damaged[0]}"
    for split, check in summary.published.items():
        n_published = sum(check.n_published.values())
        n_found = sum(summary.counts.get(split, {}).values())
        yield (
            f"{split}: complete, the published numbers of {summary.data_set}"
            if check.is_complete
            else f"{split}: {n_found:,} of {n_published:,} published faces of {summary.data_set}"
            if n_found != n_published
            else f"{split}: other numbers per class than published of {summary.data_set}"
        ) + _contents_warning(check)


def _contents_warning(check: PublishedCheck) -> str:
    if not check.is_complete:
        return ""
    found = {"labels": check.has_labels, "votes": check.has_votes}
    same = " and ".join(name for name, is_same in found.items() if is_same)
    other = " and ".join(name for name, is_same in found.items() if is_same is False)
    return (f"; its {same}, in its order" if same else "") + (
        f"; other {other}, or another order" if other else ""
    )
