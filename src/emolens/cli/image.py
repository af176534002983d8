"""`emolens image`: face detection and classification in images."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.terminal import PartialFailureError, echo, echo_error, progress, show
from emolens.detection import DEFAULT_DETECTOR
from emolens.imaging.listing import LeftOut
from emolens.jobs.images import (
    TABLE_LIMIT,
    ImageOutcome,
    ImageTotals,
    analyze_images,
    images_provenance,
)
from emolens.media.addresses import refuse_addresses
from emolens.media.images import common_folder, each_image_once, find_images
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.models import Models
from emolens.reports.images_text import images_table
from emolens.reports.text import one_line
from emolens.storage.jsonl import STDOUT, jsonl_writing
from emolens.storage.names import JSON_LINES_SUFFIXES


def image(  # noqa: PLR0913 (one option each)
    paths: Annotated[
        list[str], typer.Argument(help="Image files, folders or glob patterns.", metavar="PATH...")
    ],
    *,
    jsonl: Annotated[
        str | None,
        typer.Option(
            help="Write one JSON line per image to this file (.jsonl); - for standard output.",
            callback=options.file_named(JSON_LINES_SUFFIXES),
        ),
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option(
            help="Write images with boxes and labels to this folder.",
            callback=options.folder_named,
        ),
    ] = None,
    face_crops: options.FaceCropsOption = False,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    sideways: options.SidewaysOption = True,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MAX_MEGAPIXELS,
    quiet: options.QuietOption = False,
) -> None:
    """Detect faces in images and classify their apparent expression.

    Folders are read with all subfolders and symbolic links; hidden files are skipped. Images that
    cannot be read are reported, and the others are processed (exit code 2).
    """
    refuse_addresses(paths)
    analyzer = Models(model=model, detector=detector).image_analyzer(
        face_crops=face_crops, detector_px=detector_px, sideways=sideways
    )
    left_out = LeftOut()
    images, n_repeated = each_image_once(find_images(paths, left_out))
    outcomes = analyze_images(
        analyzer,
        images,
        max_pixels=max_megapixels * options.MEGAPIXEL,
        annotated=annotated,
        root=common_folder(paths),
    )
    totals = ImageTotals()
    with (
        _lines_to(jsonl, analyzer, images) as write,
        progress("images", len(images), quiet=quiet) as done,
    ):
        for number, outcome in enumerate(outcomes, start=1):
            write(outcome)
            totals.add(outcome)
            done(number)
    if left_out.warning:
        totals.warnings.append(left_out.warning)
    if n_repeated:
        totals.warnings.append(
            f"left out {n_repeated:,} {'image' if n_repeated == 1 else 'images'} given twice; "
            "each one is analysed once"
        )
    if totals.n_replaced:
        totals.warnings.append(f"{annotated}: replaced {totals.n_replaced:,} existing images")
    _show(totals, table=jsonl != STDOUT and not quiet, warnings=not quiet)
    if totals.errors:
        raise PartialFailureError


@contextlib.contextmanager
def _lines_to(
    target: str | None, analyzer: ImageAnalyzer, images: list[str]
) -> Iterator[Callable[[ImageOutcome], None]]:
    """Yield a function that writes the JSON line of an outcome, if there is a target."""
    if target is None:
        yield lambda _outcome: None
        return
    made = images_provenance(analyzer, images).to_dict()
    with jsonl_writing(target, made=made) as write:
        yield lambda outcome: write(outcome.record.to_dict())


def _show(totals: ImageTotals, *, table: bool, warnings: bool) -> None:
    if table and totals.results and not totals.is_long:
        show([images_table(totals.results)])
    for message in totals.errors:
        echo_error(message)
    if not warnings:
        return
    for warning in totals.warnings:
        echo(one_line(warning))
    if table and totals.is_long:
        echo(f"no table for more than {TABLE_LIMIT} images; use --jsonl FILE to write every face")
    if totals.n_images > 1 or totals.errors:
        n_failed = len(totals.errors)
        echo(f"images: {totals.n_images}, faces: {totals.n_faces}, failed: {n_failed}")
