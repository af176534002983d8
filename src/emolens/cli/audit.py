"""`emolens data audit`: known issues of data sets, and training rows to exclude."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import REPORT, JsonOption, QuietOption, file_named
from emolens.cli.terminal import (
    PartialFailureError,
    echo,
    echo_error,
    progress,
    show,
    write_json,
)
from emolens.contract import PROVENANCE_KEY, Provenance
from emolens.curation.audit import Audit
from emolens.curation.audit import audit as audit_faces
from emolens.curation.audited_faces import join_audited, read_audited
from emolens.curation.clean_rows import list_clean_rows
from emolens.datasets.clean_file import COMPARED_SIZE_PX
from emolens.jobs.extras import require_report
from emolens.jobs.sources import data_record, read_sources
from emolens.pipeline.provenance import provenance
from emolens.reports.audit_text import audit_text
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import STDOUT
from emolens.storage.names import JSON_SUFFIXES, PAGE_SUFFIXES


def audit(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Data sets in any format that emolens data info reads.", metavar="SOURCE"
        ),
    ],
    *,
    json: JsonOption = None,
    report: Annotated[
        Path | None,
        typer.Option(
            *REPORT,
            help="Write an HTML report with plots and lists.",
            metavar="FILE.html",
            callback=file_named(PAGE_SUFFIXES),
        ),
    ] = None,
    clean: Annotated[
        Path | None,
        typer.Option(
            help="Write a list of training rows to exclude, for data.clean in a recipe.",
            metavar="FILE.json",
            callback=file_named(JSON_SUFFIXES),
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Detect duplicates, leaks between splits, conflicting labels, blank images and non-faces.

    Several sources are audited as one data set, which also detects duplicates between them.
    """
    if report:
        require_report("emolens data audit --report")
    shown = partial(progress, quiet=quiet)
    parts = read_sources(sources, read_audited, on_error=echo_error, progress=shown)
    if not parts:
        raise typer.Exit(1)
    audited = join_audited(parts)
    with shown("faces", len(audited)) as done:
        result = audit_faces(audited, done)
    made = provenance({"compared_px": COMPARED_SIZE_PX}, source=data_record(sources))
    if json:
        write_json(json, {**result.to_dict(), PROVENANCE_KEY: made.to_dict()})
    _write_files(result, made, report, clean, quiet=quiet)
    if json != STDOUT and not quiet:
        show(audit_text(result))
    if len(parts) < len(sources):
        raise PartialFailureError


def _write_files(
    result: Audit, made: Provenance, report: Path | None, clean: Path | None, *, quiet: bool
) -> None:
    contents: dict[Path, str] = {}
    if report:
        from emolens.reports.audit_page import audit_page  # noqa: PLC0415 (plots are optional)

        contents[report] = audit_page(result, made=made)
    if clean:
        contents[clean] = list_clean_rows(result, made=made).model_dump_json(indent=1) + "\n"
    for path, content in contents.items():
        write_bytes(path, content.encode())
        if not quiet:
            echo(f"wrote {path}")
