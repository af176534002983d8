"""`emolens data convert`: any data set as one Parquet file."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from emolens.cli.terminal import PartialFailureError, progress, say, say_error
from emolens.core.errors import ConfigError
from emolens.datasets.faces import FaceSample
from emolens.datasets.loading import iter_faces
from emolens.datasets.readers.fer2013_parquet import SCHEMA, SUFFIXES, remarks_metadata, to_table
from emolens.datasets.reading import ReadingReport, without_folder
from emolens.imaging.crop import resize_gray_square
from emolens.storage.files import writing

# A row group: read back piece by piece, and written before memory notices.
_ROWS_AT_ONCE = 2048


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
    skip_faults: Annotated[
        bool,
        typer.Option(
            "--skip-faults",
            help="Leave out and count faces that cannot be read; ends with 2 if there are any.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remark.")] = False,
) -> None:
    """Write a data set as one Parquet file: grey faces, labels, splits, people and FER+ votes.

    Such a file is read several times as fast as single pictures. It holds pictures of people: the
    licence of the data set goes for it too.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{out}: the file must end in {' or '.join(sorted(SUFFIXES))}")
    report = ReadingReport(skip_faults=skip_faults)
    samples = iter_faces(source, report=report)
    n_faces = 0
    with (
        progress("faces", None, quiet=quiet) as done,
        writing(out) as file,
        # Pictures are compressed already.
        pq.ParquetWriter(file, SCHEMA, compression="none") as writer,
    ):
        while part := list(itertools.islice(samples, _ROWS_AT_ONCE)):
            writer.write_table(to_table([_resized(sample, size_px) for sample in part]))
            n_faces += len(part)
            done(n_faces)
        writer.add_key_value_metadata(remarks_metadata(without_folder(report.remarks, source)))
        if not n_faces:
            raise report.no_faces(source)
    for fault in report.faults:
        say_error(fault)
    if not quiet:
        for remark in report.remarks:
            say(remark)
        left_out = sum(report.left_out.values())
        say(f"wrote {out}: {n_faces:,} faces; left out {left_out:,}, skipped {report.n_faults:,}")
    if report.n_faults:
        raise PartialFailureError


def _resized(sample: FaceSample, size_px: int | None) -> FaceSample:
    if size_px is None:
        return sample
    return replace(sample, image=resize_gray_square(sample.image, size_px))
