"""`emolens data`: look into data sets."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from emolens.cli import audit, convert
from emolens.cli.sources import read_sources
from emolens.cli.terminal import (
    PartialFailureError,
    one_line,
    print_remarks,
    stdout_console,
    write_json,
)
from emolens.core.emotion import LABELS
from emolens.datasets.summary import DatasetSummary, PublishedCheck, summarize
from emolens.storage.jsonl import STDOUT

app = typer.Typer(help="Look into data sets.", no_args_is_help=True)
app.command("audit")(audit.audit)
app.command("convert")(convert.convert)


@app.command("info")
def info(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="CSV, Parquet, class folders, or the folder of a published data set.",
            metavar="SOURCE...",
        ),
    ],
    *,
    json: Annotated[
        str | None, typer.Option(help="Write the counts here as JSON; - is stdout.")
    ] = None,
    skip_faults: Annotated[
        bool,
        typer.Option(
            "--skip-faults",
            help="Count faces that cannot be read instead of stopping at the first one.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
) -> None:
    """Count the faces of data sets by split and class, reading every one of them."""
    summaries = read_sources(sources, partial(summarize, skip_faults=skip_faults), quiet=quiet)
    if json:
        write_json(json, {"sources": [summary.to_dict() for summary in summaries]})
    if json != STDOUT and not quiet:
        for summary in summaries:
            stdout_console().print(_table(summary))
            print_remarks(stdout_console(), _remarks(summary))
            stdout_console().print()
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


def _remarks(summary: DatasetSummary) -> Iterator[str]:
    """What the counts do not say: assumptions, what is left out or broken, whether all is there."""
    yield from summary.remarks
    if summary.n_subjects is not None:
        yield f"{summary.n_subjects:,} people"
    if summary.left_out:
        classes = ", ".join(f"{name} {n:,}" for name, n in summary.left_out.items())
        yield f"left out, none of the seven classes: {classes}"
    if summary.n_faults:
        yield f"skipped, cannot be read: {summary.n_faults:,}, such as {summary.faults[0]}"
    for split, check in summary.published.items():
        n_published = sum(check.n_published.values())
        n_found = sum(summary.counts.get(split, {}).values())
        yield (
            f"{split}: complete, the published numbers of {summary.data_set}"
            if check.is_complete
            else f"{split}: {n_found:,} of {n_published:,} published faces of {summary.data_set}"
            if n_found != n_published
            else f"{split}: other numbers per class than published of {summary.data_set}"
        ) + _contents_remark(check)


def _contents_remark(check: PublishedCheck) -> str:
    if not check.is_complete:
        return ""
    found = {"labels": check.has_labels, "votes": check.has_votes}
    same = " and ".join(name for name, is_same in found.items() if is_same)
    other = " and ".join(name for name, is_same in found.items() if is_same is False)
    return (f"; its {same}, in its order" if same else "") + (
        f"; other {other}, or another order" if other else ""
    )
