"""`emolens data`: look into data sets."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from emolens.cli import audit
from emolens.cli.sources import read_sources
from emolens.cli.terminal import (
    PartialFailureError,
    one_line,
    stdout_console,
    write_json,
)
from emolens.core.emotion import LABELS
from emolens.datasets.summary import DatasetSummary, summarize
from emolens.media.jsonl_writer import STDOUT

app = typer.Typer(help="Look into data sets.", no_args_is_help=True)
app.command("audit")(audit.audit)


@app.command("info")
def info(
    sources: Annotated[
        list[Path],
        typer.Argument(help="CSV, Parquet or folder of class folders.", metavar="SOURCE..."),
    ],
    *,
    json: Annotated[
        str | None, typer.Option(help="Write the counts here as JSON; - is stdout.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
) -> None:
    """Count the faces of data sets by split and class, reading every one of them."""
    summaries = read_sources(sources, summarize, quiet=quiet)
    if json:
        write_json(json, {"sources": [summary.to_dict() for summary in summaries]})
    if json != STDOUT and not quiet:
        for summary in summaries:
            stdout_console().print(_table(summary))
    if not summaries:
        raise typer.Exit(1)
    if len(summaries) < len(sources):
        raise PartialFailureError


def _table(summary: DatasetSummary) -> Table:
    name = escape(one_line(str(summary.source)))
    table = Table(
        title=f"{name}: {summary.format_name}, {summary.n_faces} faces",
        title_justify="left",
        title_style="",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    table.add_column("split")
    for label in (*LABELS, "all"):
        table.add_column(label, justify="right")
    for split, by_label in summary.counts.items():
        counts = [by_label[label] for label in LABELS]
        table.add_row(split, *map(str, counts), f"[bold]{sum(counts)}[/]")
    return table
