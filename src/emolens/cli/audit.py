"""`emolens data audit`: what is wrong with data sets, and which rows to leave out."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens import __version__
from emolens.cli.options import JsonOption, QuietOption
from emolens.cli.terminal import (
    PartialFailureError,
    progress,
    say,
    say_error,
    show,
    write_json,
)
from emolens.curation.audit import Audit
from emolens.curation.audit import audit as audit_faces
from emolens.curation.audited_faces import join_audited, read_audited
from emolens.curation.clean_rows import list_clean_rows
from emolens.jobs.extras import require_report
from emolens.jobs.sources import read_sources
from emolens.reports.audit_text import audit_text
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import STDOUT


def audit(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Any sources of emolens data info.", metavar="SOURCE..."),
    ],
    *,
    json: JsonOption = None,
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
    quiet: QuietOption = False,
) -> None:
    """Look for copies, leaks between splits, conflicting labels, blanks and non-faces.

    Several sources are looked at as one data set, so copies between them are found too.
    """
    if report:
        require_report("emolens data audit --report")
    shown = partial(progress, quiet=quiet)
    parts = read_sources(sources, read_audited, on_error=say_error, progress=shown)
    if not parts:
        raise typer.Exit(1)
    audited = join_audited(parts)
    with shown("faces", len(audited)) as done:
        found = audit_faces(audited, done)
    if json:
        write_json(json, found.to_dict())
    _write_files(found, report, clean, quiet=quiet)
    if json != STDOUT and not quiet:
        show(audit_text(found))
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
