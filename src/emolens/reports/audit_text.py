"""What an audit of data sets found, as text."""

from collections.abc import Iterator

from emolens.core.emotion import LABELS
from emolens.curation.audit import Audit, DuplicateCounts
from emolens.reports.text import Block, TextTable, numbers_from, percent


def audit_text(found: Audit) -> Iterator[Block]:
    """What was looked at, what was found, and how many faces of each class there are."""
    names = ", ".join(str(source) for source in found.audited.sources)
    yield f"**{names}**: {len(found.audited):,} faces"
    yield ""
    rows = list(_findings(found))
    yield TextTable((), rows, frozenset({1}), frozenset((row, 1) for row in range(len(rows))))
    yield ""
    yield _classes(found)
    yield from found.audited.faces.warnings


def _findings(found: Audit) -> Iterator[tuple[str, str, str]]:
    for pair in found.splits:
        yield (
            f"{pair.held_out} faces that stand in {pair.other} too",
            f"{pair.n_near:,}",
            f"of {pair.n_faces:,} ({pair.n_near / pair.n_faces:.1%}), "
            f"{pair.n_exact:,} of them ({pair.n_exact / pair.n_faces:.1%}) pixel by pixel",
        )
    yield ("groups of exact or near copies", *_copies(found.near))
    yield ("groups of identical images", *_copies(found.exact))
    yield (
        "groups of copies with conflicting labels",
        f"{found.near.n_conflicting:,}",
        f"{found.exact.n_conflicting:,} groups of identical images",
    )
    yield "blank images", f"{len(found.blanks):,}", "almost no contrast"
    if found.not_faces is None or found.agreement is None:
        yield "FER+ votes", "none", "not a face, agreement: not known"
        return
    yield "not a face", f"{len(found.not_faces):,}", "the answer FER+'s raters gave most"
    overall = found.agreement["all"]
    yield (
        "labels that FER+'s majority shares",
        percent(overall.share),
        f"of {overall.n_unique:,} faces with a unique majority",
    )


def _copies(figures: DuplicateCounts) -> tuple[str, str]:
    return (
        f"{figures.n_groups:,}",
        f"{figures.n_faces:,} faces, {figures.n_spare:,} more than one of each; "
        f"{figures.n_across_splits:,} groups across splits",
    )


def _classes(found: Audit) -> TextTable:
    rows = []
    for split, by_label in found.counts.items():
        counts = [by_label[label] for label in LABELS]
        rows.append((split, *(f"{count:,}" for count in (*counts, sum(counts)))))
    if found.agreement:
        shares = [percent(found.agreement[name].share) for name in (*LABELS, "all")]
        rows.append(("FER+'s majority agrees", *shares))
    headings = ("faces", *LABELS, "all")
    return TextTable(headings, rows, numbers_from(1, len(headings)))
