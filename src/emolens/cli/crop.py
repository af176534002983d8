"""`emolens crop`: faces in images as files."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.loading import loading
from emolens.cli.terminal import PartialFailureError, echo, echo_error, progress
from emolens.media.addresses import refuse_addresses
from emolens.media.standard_input import STDIN, open_standard_input
from emolens.reports.text import one_line


def crop(  # noqa: PLR0913 (one option each)
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Image files, folders or glob patterns; - for one image on standard input.",
            metavar="PATH",
        ),
    ],
    out: Annotated[Path, typer.Argument(help="New or empty folder to write to.", metavar="OUT")],
    *,
    size: Annotated[
        int | None,
        typer.Option(
            help="Side of the crops in pixels, 8 to 2048. Default: the side of the model's input.",
            metavar="PX",
            show_default=False,
        ),
    ] = None,
    color: Annotated[
        bool,
        typer.Option(
            "--color", help="Keep colours and light. Default: grey, as classifiers receive faces."
        ),
    ] = False,
    min_size: Annotated[
        float,
        typer.Option(
            help="Write no file for a face whose square in the image is smaller than this.",
            metavar="PX",
            min=0,
        ),
    ] = 0.0,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Write to a folder that is not empty; replace files of the same name."
        ),
    ] = False,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = options.DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    sideways: options.SidewaysOption = True,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MAX_MEGAPIXELS,
    quiet: options.QuietOption = False,
) -> None:
    """Crop the faces in images as classifiers receive them, and write a table of them.

    The squares have the framing of FER2013, and rolled faces are rotated upright. The files are
    PNG. The table crops.csv names the image, the box and the quality of each face.
    """
    with loading():
        from emolens.jobs.crops import TABLE, CropJob, check_crop_folder, crop_images
        from emolens.jobs.images import read_one
        from emolens.media.images import list_images
        from emolens.pipeline.models import Models

    refuse_addresses(paths)
    job = CropJob(size_px=size, color=color, min_size_px=min_size, force=force)
    check_crop_folder(out, job)
    read = partial(
        read_one,
        max_pixels=max_megapixels * options.MEGAPIXEL,
        standard_input=open_standard_input() if STDIN in paths else None,
    )
    analyzer = Models(model=model, detector=detector).image_analyzer(
        detector_px=detector_px, sideways=sideways
    )
    images, warnings = list_images(paths, out=out)
    n_faces = n_files = n_failed = 0
    with progress("images", len(images), quiet=quiet) as done:
        for number, one in enumerate(crop_images(analyzer, images, out, job, read=read), start=1):
            n_faces, n_files = n_faces + one.n_faces, n_files + one.n_files
            if one.error is not None:
                n_failed += 1
                echo_error(one.message)
            for warning in () if quiet else one.warnings:
                echo(one_line(f"{one.path}: {warning}"))
            done(number)
    if not quiet:
        for warning in warnings:
            echo(warning)
        echo(
            f"images: {len(images)}, faces: {n_faces}, crops: {n_files} in {out}, "
            f"failed: {n_failed}; positions in {out / TABLE}"
        )
    if n_failed:
        raise PartialFailureError
