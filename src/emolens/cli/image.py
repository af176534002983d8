"""`emolens image`: face detection and classification in images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emolens.cli import options
from emolens.cli.loading import loading
from emolens.cli.terminal import PartialFailureError, echo, echo_error, progress, show
from emolens.core.errors import ConfigError
from emolens.core.progress import say_nothing
from emolens.media.addresses import refuse_addresses
from emolens.media.standard_input import STDIN, open_standard_input
from emolens.reports.text import one_line
from emolens.storage.jsonl import STDOUT
from emolens.storage.names import JSON_LINES_SUFFIXES

if TYPE_CHECKING:
    from emolens.jobs.images import ImageTotals


def image(  # noqa: PLR0913 (one option each)
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Image files, folders or glob patterns; - for one image on standard input.",
            metavar="PATH",
        ),
    ],
    *,
    table: Annotated[
        list[Path] | None,
        typer.Option(
            *options.TABLE, help="Write one row per face and image: .csv, .parquet or .jsonl."
        ),
    ] = None,
    jsonl: Annotated[
        str | None,
        typer.Option(
            *options.JSONL,
            help="Write one JSON line per image to this file (.jsonl); - for standard output.",
            callback=options.file_named(JSON_LINES_SUFFIXES),
        ),
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option(
            help="Write copies of the images with boxes and labels to this folder.",
            callback=options.folder_named,
        ),
    ] = None,
    blur: options.BlurOption = False,
    heatmap: options.HeatmapOption = False,
    tags: options.TagsOption = True,
    style: options.StyleOption = "auto",
    face_crops: options.FaceCropsOption = False,
    min_confidence: options.MinConfidenceOption = None,
    at_least: options.AtLeastOption = None,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = options.DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    sideways: options.SidewaysOption = True,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MAX_MEGAPIXELS,
    quiet: options.QuietOption = False,
) -> None:
    """Detect faces in images and classify their apparent expression.

    Folders are read with all subfolders and symbolic links; hidden files are skipped. Images that
    cannot be read are reported, and the others are processed (exit code 2).
    """
    with loading():
        from emolens.jobs.confidence import chosen_confidence
        from emolens.jobs.drawing import DrawOptions, image_drawing
        from emolens.jobs.image_outputs import check_image_outputs, image_outputs
        from emolens.jobs.images import ImageTotals, analyze_images, images_provenance
        from emolens.media.images import common_folder, list_images
        from emolens.pipeline.models import Models

    refuse_addresses(paths)
    drawn = DrawOptions(blur=blur, heatmap=heatmap, tags=tags, style=style)
    if drawn != DrawOptions() and annotated is None:
        raise ConfigError(
            "--blur, --heatmap and --no-tags change the copies of images. Add --annotated FOLDER."
        )
    check_image_outputs(jsonl, table or ())
    standard_input = open_standard_input() if STDIN in paths else None
    models = Models(model=model, detector=detector)
    analyzer = models.image_analyzer(
        face_crops=face_crops,
        detector_px=detector_px,
        sideways=sideways,
        min_confidence=chosen_confidence(
            models, min_confidence, at_least, on_message=say_nothing if quiet else echo
        ),
    )
    images, warnings = list_images(paths, out=annotated)
    outcomes = analyze_images(
        analyzer,
        images,
        max_pixels=max_megapixels * options.MEGAPIXEL,
        annotated=annotated,
        root=common_folder(paths),
        draw=image_drawing(drawn, models, analyzer),
        standard_input=standard_input,
    )
    totals = ImageTotals(blurs=blur)
    with (
        image_outputs(
            jsonl, table or (), made=images_provenance(analyzer.provenance, images)
        ) as write,
        progress("images", len(images), quiet=quiet) as done,
    ):
        for number, outcome in enumerate(outcomes, start=1):
            write(outcome)
            totals.add(outcome)
            done(number)
    totals.warnings += warnings
    if totals.n_replaced:
        totals.warnings.append(f"{annotated}: replaced {totals.n_replaced:,} existing images")
    _show(totals, table=jsonl != STDOUT and not quiet, warnings=not quiet)
    if totals.errors:
        raise PartialFailureError


def _show(totals: "ImageTotals", *, table: bool, warnings: bool) -> None:
    from emolens.jobs.images import TABLE_LIMIT
    from emolens.reports.images_text import images_table

    if table and totals.results and not totals.is_long:
        show([images_table(totals.results)])
    for message in totals.errors:
        echo_error(message)
    if not warnings:
        return
    for warning in totals.warnings:
        echo(one_line(warning))
    if table and totals.is_long:
        echo(f"no table for more than {TABLE_LIMIT} images; use --table FILE to write every face")
    if totals.n_images > 1 or totals.errors:
        n_failed = len(totals.errors)
        echo(f"images: {totals.n_images}, faces: {totals.n_faces}, failed: {n_failed}")
