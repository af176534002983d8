"""Summary of a data set as text: face counts and warnings."""

from collections.abc import Iterator

from emolens.core.emotion import LABELS
from emolens.datasets.summary import DatasetSummary, PublishedCheck
from emolens.reports.text import Block, TextTable, numbers_from


def data_text(summary: DatasetSummary) -> Iterator[Block]:
    """List face counts by split and class, then warnings."""
    counted = summary.counts.values()
    labels = [label for label in LABELS if any(by_label[label] for by_label in counted)]
    rows = []
    for split, by_label in summary.counts.items():
        counts = [by_label[label] for label in labels]
        rows.append((split, *map(str, (*counts, sum(counts)))))
    headings = ("split", *labels, "all")
    last = len(headings) - 1
    yield TextTable(
        headings,
        rows,
        numbers_from(1, len(headings)),
        frozenset((row, last) for row in range(len(rows))),
        title=f"{summary.source}: {summary.format_name}, {summary.n_faces} faces",
    )
    if len(labels) < len(LABELS):
        yield f"no faces: {', '.join(label for label in LABELS if label not in labels)}"
    yield from _warnings(summary)
    yield ""


def _warnings(summary: DatasetSummary) -> Iterator[str]:
    """List assumptions, subjects, excluded and damaged faces, and the published counts."""
    yield from summary.warnings
    if summary.n_subjects is not None:
        yield f"{summary.n_subjects:,} subjects"
    if summary.left_out:
        classes = ", ".join(f"{name} {n:,}" for name, n in summary.left_out.items())
        yield f"left out, outside the seven classes: {classes}"
    if summary.n_damaged:
        yield f"skipped, damaged: {summary.n_damaged:,}, for example {summary.damaged[0]}"
    for split, check in summary.published.items():
        n_published = sum(check.n_published.values())
        n_found = sum(summary.counts.get(split, {}).values())
        yield (
            f"{split}: complete, with the published counts of {summary.data_set}"
            if check.is_complete
            else f"{split}: {n_found:,} of {n_published:,} published faces of {summary.data_set}"
            if n_found != n_published
            else f"{split}: counts per class differ from the published ones of {summary.data_set}"
        ) + _contents_warning(check)


def _contents_warning(check: PublishedCheck) -> str:
    if not check.is_complete:
        return ""
    checks = {"labels": check.has_labels, "votes": check.has_votes}
    same = " and ".join(name for name, is_same in checks.items() if is_same)
    other = " and ".join(name for name, is_same in checks.items() if is_same is False)
    return (f"; {same} in the published order" if same else "") + (
        f"; {other} with other values or in another order" if other else ""
    )
