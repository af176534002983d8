"""`emolens bench`: throughput and latency on this computer, stage by stage."""

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
        str | None, typer.Option(help="Video to measure instead of the generated clips.")
    ] = None,
    json: options.JsonOption = None,
    frames: Annotated[int, typer.Option(help="Number of frames per measurement.", min=10)] = 60,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Measure throughput and the latency of each stage, from decoding to drawing.

    Generated clips have 0 to 8 faces and several frame sizes. Each is measured with 1 and 2
    threads and with the settings of `live` and `video`. Close other programs first.
    """
    job = BenchJob(source, frames, model, detector, detector_px)
    measured = job.measure(partial(progress, quiet=quiet))
    if json:
        write_json(json, job.record(measured))
    if json != STDOUT and not quiet:
        show(bench_text(measured))
