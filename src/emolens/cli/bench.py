"""`emolens bench`: how quick this machine is, stage by stage."""

from functools import partial
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.terminal import progress, show, write_json
from emolens.detection import DEFAULT_DETECTOR
from emolens.jobs.bench import BenchJob, bench_text
from emolens.storage.jsonl import STDOUT


def bench(
    *,
    source: Annotated[
        str | None, typer.Option(help="Measure on this video instead of generated ones.")
    ] = None,
    json: options.JsonOption = None,
    frames: Annotated[int, typer.Option(help="Frames of each measurement.", min=10)] = 60,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Measure frames a second and the time of each stage, from decoding to the drawn image.

    On generated clips with 0 to 8 faces, several sizes, 1 and 2 threads, with the settings of
    `live` and of `video`. Nothing else should run meanwhile.
    """
    job = BenchJob(source, frames, model, detector, detector_px)
    measured = job.measure(partial(progress, quiet=quiet))
    if json:
        write_json(json, job.record(measured))
    if json != STDOUT and not quiet:
        show(bench_text(measured))
