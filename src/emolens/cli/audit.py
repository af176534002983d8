"""`emolens data audit`: what is wrong with data sets, and which rows to leave out."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from emolens import __version__
from emolens.cli.extras import require_report
from emolens.cli.sources import read_sources
from emolens.cli.terminal import (
    PartialFailureError,
    one_line,
    print_remarks,
    progress,
    say,
    stdout_console,
    write_json,
)
from emolens.core.emotion import LABELS
from emolens.curation.audit import Audit, CopyFigures
from emolens.curation.audit import audit as audit_faces
from emolens.curation.audited_faces import join_audited, read_audited
from emolens.curation.clean_rows import list_clean_rows
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import STDOUT


def audit(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Any sources of emolens data info.", metavar="SOURCE..."),
    ],
    *,
    json: Annotated[
        str | None, typer.Option(help="Write figures and lists here as JSON; - is stdout.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page with plots and lists.", metavar="FILE.html")
    ] = None,
    clean: Annotated[
        Path | None,
        typer.Option(
            help="Write the training rows to leave out, for data.clean of a recipe.",
            metavar="FILE.json",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
) -> None:
    """Look for copies, leaks between splits, conflicting labels, blanks and non-faces.

    Several sources are looked at as one data set, so copies between them are found too.
    """
    if report:
        require_report("emolens data audit --report")
    parts = read_sources(sources, read_audited, quiet=quiet)
    if not parts:
        raise typer.Exit(1)
    audited = join_audited(parts)
    with progress("faces", len(audited), quiet=quiet) as done:
        found = audit_faces(audited, done)
    if json:
        write_json(json, found.to_dict())
    _write_files(found, report, clean, quiet=quiet)
    if json != STDOUT and not quiet:
        _show(found)
    if len(parts) < len(sources):
        raise PartialFailureError


def _write_files(found: Audit, report: Path | None, clean: Path | None, *, quiet: bool) -> None:
    contents: dict[Path, str] = {}
    if report:
        from emolens.reports.audit_page import audit_page  # noqa: PLC0415 (plots are optional)

        contents[report] = audit_page(found, emolens_version=__version__)
    if clean:
        contents[clean] = list_clean_rows(found).model_dump_json(indent=1) + "\n"
    for path, content in contents.items():
        write_bytes(path, content.encode())
        if not quiet:
            say(f"wrote {path}")


def _show(found: Audit) -> None:
    names = ", ".join(escape(one_line(str(source))) for source in found.audited.sources)
    console = stdout_console()
    console.print(f"[bold]{names}[/]: {len(found.audited):,} faces\n")
    console.print(_findings(found))
    console.print()
    console.print(_classes(found))
    print_remarks(console, found.audited.faces.remarks)


def _findings(found: Audit) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right", style="bold")
    table.add_column("more")
    for pair in found.splits:
        table.add_row(
            f"{pair.held_out} faces that stand in {pair.other} too",
            f"{pair.n_near:,}",
            f"of {pair.n_faces:,} ({pair.n_near / pair.n_faces:.1%}), "
            f"{pair.n_exact:,} of them ({pair.n_exact / pair.n_faces:.1%}) pixel by pixel",
        )
    table.add_row("groups of exact or near copies", *_copies(found.near))
    table.add_row("groups of identical pictures", *_copies(found.exact))
    table.add_row(
        "groups of copies with conflicting labels",
        f"{found.near.n_conflicting:,}",
        f"{found.exact.n_conflicting:,} groups of identical pictures",
    )
    table.add_row("blank pictures", f"{len(found.blanks):,}", "almost no contrast")
    if found.not_faces is None or found.agreement is None:
        table.add_row("FER+ votes", "none", "not a face, agreement: not known")
        return table
    table.add_row("not a face", f"{len(found.not_faces):,}", "the answer FER+'s raters gave most")
    overall = found.agreement["all"]
    table.add_row(
        "labels that FER+'s majority shares",
        "-" if overall.share is None else f"{overall.share:.1%}",
        f"of {overall.n_unique:,} faces with a unique majority",
    )
    return table


def _copies(figures: CopyFigures) -> tuple[str, str]:
    return (
        f"{figures.n_groups:,}",
        f"{figures.n_faces:,} faces, {figures.n_spare:,} more than one of each; "
        f"{figures.n_across_splits:,} groups across splits",
    )


def _classes(found: Audit) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("faces")
    for label in (*LABELS, "all"):
        table.add_column(label, justify="right")
    for split, by_label in found.counts.items():
        counts = [by_label[label] for label in LABELS]
        table.add_row(split, *(f"{count:,}" for count in (*counts, sum(counts))))
    if found.agreement:
        shares = [found.agreement[name].share for name in (*LABELS, "all")]
        texts = ("-" if share is None else f"{share:.1%}" for share in shares)
        table.add_row("FER+'s majority agrees", *texts)
    return table
