"""`emolens data`: inspect, audit and convert data sets."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import audit, convert
from emolens.cli.options import JsonOption, QuietOption
from emolens.cli.terminal import PartialFailureError, echo_error, progress, show, write_json
from emolens.contract import PROVENANCE_KEY
from emolens.datasets.summary import summarize
from emolens.jobs.sources import data_record, read_sources
from emolens.pipeline.provenance import provenance
from emolens.reports.data_text import data_text
from emolens.storage.jsonl import STDOUT

app = typer.Typer(help="Inspect, audit and convert data sets.", no_args_is_help=True)
app.command("audit")(audit.audit)
app.command("convert")(convert.convert)


@app.command("info")
def info(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="CSV or Parquet files, class folders, or folders of published data sets.",
            metavar="SOURCE",
        ),
    ],
    *,
    json: JsonOption = None,
    skip_damaged: Annotated[
        bool,
        typer.Option(
            "--skip-damaged",
            help="Count damaged faces instead of stopping at the first one.",
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Read every face of data sets and count them by split and class."""
    summaries = read_sources(
        sources,
        partial(summarize, skip_damaged=skip_damaged),
        on_error=echo_error,
        progress=partial(progress, quiet=quiet),
    )
    if json:
        made = provenance({"skip_damaged": skip_damaged}, source=data_record(sources))
        counted = [summary.to_dict() for summary in summaries]
        write_json(json, {"sources": counted, PROVENANCE_KEY: made.to_dict()})
    if json != STDOUT and not quiet:
        show(block for summary in summaries for block in data_text(summary))
    if not summaries:
        raise typer.Exit(1)
    if len(summaries) < len(sources):
        raise PartialFailureError
