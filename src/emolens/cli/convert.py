"""`emolens data convert`: any data set as one Parquet file."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import QuietOption
from emolens.cli.terminal import PartialFailureError, progress, say, say_error
from emolens.jobs.convert import convert_data


def convert(
    source: Annotated[Path, typer.Argument(help="Any source of emolens data info.")],
    out: Annotated[Path, typer.Argument(help="The file to write.", metavar="OUT.parquet")],
    *,
    size_px: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=512,
            help="Bring every face to a square of this side; each keeps its own size unless given.",
        ),
    ] = None,
    skip_damaged: Annotated[
        bool,
        typer.Option(
            "--skip-damaged",
            help="Leave out and count faces that cannot be read; ends with 2 if there are any.",
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Write a data set as one Parquet file: grey faces, labels, splits, people and FER+ votes.

    Such a file is read several times as fast as single images. It holds images of people: the
    licence of the data set goes for it too.
    """
    converted = convert_data(
        source,
        out,
        size_px=size_px,
        skip_damaged=skip_damaged,
        progress=partial(progress, quiet=quiet),
    )
    report = converted.report
    for message in report.damaged:
        say_error(message)
    if not quiet:
        for warning in report.warnings:
            say(warning)
        left_out = sum(report.left_out.values())
        say(
            f"wrote {out}: {converted.n_faces:,} faces; left out {left_out:,}, "
            f"skipped {report.n_damaged:,}"
        )
    if report.n_damaged:
        raise PartialFailureError
