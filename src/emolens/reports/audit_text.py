"""Results of a data set audit as text."""

from collections.abc import Iterator

from emolens.curation.audit import Audit, DuplicateCounts
from emolens.reports.text import Block, TextTable, numbers_from, percent


def audit_text(audit: Audit) -> Iterator[Block]:
    """List the sources, the known issues and the face counts by split and class."""
    names = ", ".join(str(source) for source in audit.audited.sources)
    yield f"**{names}**: {len(audit.audited):,} faces"
    yield ""
    rows = list(_issues(audit))
    yield TextTable((), rows, frozenset({1}), frozenset((row, 1) for row in range(len(rows))))
    yield ""
    yield _classes(audit)
    if audit.labels_without_faces:
        yield f"no faces: {', '.join(audit.labels_without_faces)}"
    yield from audit.audited.faces.warnings


def _issues(audit: Audit) -> Iterator[tuple[str, str, str]]:
    for pair in audit.splits:
        yield (
            f"{pair.held_out} faces with duplicates in {pair.other}",
            f"{pair.n_near:,}",
            f"of {pair.n_faces:,} ({pair.n_near / pair.n_faces:.1%}), "
            f"{pair.n_exact:,} ({pair.n_exact / pair.n_faces:.1%}) with an exact duplicate",
        )
    yield ("groups of exact and near-duplicates", *_duplicates(audit.near))
    yield ("groups of exact duplicates", *_duplicates(audit.exact))
    yield (
        "groups with conflicting labels",
        f"{audit.near.n_conflicting:,}",
        f"{audit.exact.n_conflicting:,} groups of exact duplicates",
    )
    yield "blank images", f"{len(audit.blanks):,}", "almost no contrast"
    if audit.not_faces is None or audit.agreement is None:
        yield "FER+ votes", "none", "non-faces and agreement: not known"
        return
    yield "not a face", f"{len(audit.not_faces):,}", "majority vote of FER+'s raters"
    overall = audit.agreement["all"]
    yield (
        "labels equal to the majority vote",
        percent(overall.share),
        f"of {overall.n_unique:,} faces with a unique majority vote",
    )


def _duplicates(counts: DuplicateCounts) -> tuple[str, str]:
    return (
        f"{counts.n_groups:,}",
        f"{counts.n_faces:,} faces, {counts.n_spare:,} redundant; "
        f"{counts.n_across_splits:,} groups across splits",
    )


def _classes(audit: Audit) -> TextTable:
    rows = []
    for split, by_label in audit.counts.items():
        counts = [by_label[label] for label in audit.labels]
        rows.append((split, *(f"{count:,}" for count in (*counts, sum(counts)))))
    if audit.agreement:
        shares = [percent(audit.agreement[name].share) for name in (*audit.labels, "all")]
        rows.append(("agreement with raters", *shares))
    headings = ("faces", *audit.labels, "all")
    return TextTable(headings, rows, numbers_from(1, len(headings)))
