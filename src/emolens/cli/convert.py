"""`emolens data convert`: a data set as one Parquet file."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import QuietOption, file_named
from emolens.cli.terminal import PartialFailureError, echo, echo_error, progress
from emolens.datasets.readers.fer2013_parquet import SUFFIXES
from emolens.jobs.convert import convert_data


def convert(
    source: Annotated[
        Path, typer.Argument(help="Data set in any format that emolens data info reads.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            help="Parquet file to write.", metavar="OUT.parquet", callback=file_named(SUFFIXES)
        ),
    ],
    *,
    size_px: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=512,
            help="Resize every face to a square of this side in pixels. Default: keep the size.",
        ),
    ] = None,
    skip_damaged: Annotated[
        bool,
        typer.Option(
            "--skip-damaged",
            help="Skip and count damaged faces; exit with code 2 if there are any.",
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Convert a data set to one Parquet file: grey faces, labels, splits, subjects, FER+ votes.

    A Parquet file loads several times as fast as single images. It contains images of people:
    the licence of the data set also applies to it.
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
        echo_error(message)
    if not quiet:
        for warning in report.warnings:
            echo(warning)
        left_out = sum(report.left_out.values())
        echo(
            f"wrote {out}: {converted.n_faces:,} faces; left out {left_out:,}, "
            f"skipped {report.n_damaged:,}"
        )
    if report.n_damaged:
        raise PartialFailureError
