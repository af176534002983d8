"""`emolens image`: name the expressions of every face in pictures."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.image_tables import ImageReport
from emolens.cli.options import (
    DEFAULT_MAX_MEGAPIXELS,
    MEGAPIXEL,
    DetectorOption,
    DetectorPxOption,
    MaxMegapixelsOption,
    ModelOption,
    SidewaysOption,
)
from emolens.cli.terminal import PartialFailureError, progress
from emolens.detection import DEFAULT_DETECTOR
from emolens.imaging.listing import LeftOut
from emolens.jobs.images import ImageOutcome, analyze_images
from emolens.media.addresses import refuse_addresses
from emolens.media.pictures import find_pictures
from emolens.pipeline.models import Models
from emolens.storage.jsonl import STDOUT, jsonl_writing


def image(  # noqa: PLR0913 (one option each)
    paths: Annotated[
        list[str], typer.Argument(help="Pictures, folders or glob patterns.", metavar="PATH...")
    ],
    *,
    jsonl: Annotated[
        str | None, typer.Option(help="Write one JSON line per picture here; - is stdout.")
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="Write pictures with boxes and labels into this folder.")
    ] = None,
    face_crops: Annotated[
        bool, typer.Option("--face-crops", help="Each picture is one face, cut out already.")
    ] = False,
    model: ModelOption = "default",
    detector: DetectorOption = DEFAULT_DETECTOR,
    detector_px: DetectorPxOption = None,
    sideways: SidewaysOption = True,
    max_megapixels: MaxMegapixelsOption = DEFAULT_MAX_MEGAPIXELS,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No table, progress or remarks.")
    ] = False,
) -> None:
    """Name the apparent expression of every face in pictures.

    Of folders all pictures count, also in folders below and behind links, hidden ones apart. A
    picture that cannot be read is reported and the others go on (exit code 2).
    """
    refuse_addresses(paths)
    analyzer = Models(model=model, detector=detector).image_analyzer(
        face_crops=face_crops, detector_px=detector_px, sideways=sideways
    )
    left_out = LeftOut()
    pictures = list(find_pictures(paths, left_out))
    outcomes = analyze_images(
        analyzer, pictures, max_pixels=max_megapixels * MEGAPIXEL, annotated=annotated
    )
    report = ImageReport()
    with (
        _lines_to(jsonl) as write,
        progress("pictures", len(pictures), quiet=quiet) as done,
    ):
        for number, outcome in enumerate(outcomes, start=1):
            write(outcome)
            report.add(outcome)
            done(number)
    if left_out.remark:
        report.notes.append(left_out.remark)
    report.show(table=jsonl != STDOUT and not quiet, remarks=not quiet)
    if report.errors:
        raise PartialFailureError


@contextlib.contextmanager
def _lines_to(target: str | None) -> Iterator[Callable[[ImageOutcome], None]]:
    """Give a function that writes the line of an outcome, or nothing where nobody wants lines."""
    if target is None:
        yield lambda _outcome: None
        return
    with jsonl_writing(target) as write:
        yield lambda outcome: write(outcome.record.to_dict())
