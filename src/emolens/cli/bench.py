"""`emolens bench`: how quick this machine is, stage by stage."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final

import typer
from rich.table import Table

from emolens.cli.options import DetectorOption, DetectorPxOption, ModelOption
from emolens.cli.terminal import progress, stdout_console, write_json
from emolens.detection import DEFAULT_DETECTOR
from emolens.jobs.bench import BenchCase, BenchJob
from emolens.pipeline.latency import Latency
from emolens.pipeline.speed import SpeedFigures
from emolens.storage.jsonl import STDOUT

_STAGES: Final = ("detection", "following", "classification", "drawing")


def bench(
    *,
    source: Annotated[
        str | None, typer.Option(help="Measure on this video instead of generated ones.")
    ] = None,
    json: Annotated[
        str | None, typer.Option(help="Write the figures here as JSON; - is stdout.")
    ] = None,
    frames: Annotated[int, typer.Option(help="Frames of each measurement.", min=10)] = 60,
    model: ModelOption = "default",
    detector: DetectorOption = DEFAULT_DETECTOR,
    detector_px: DetectorPxOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table or progress.")] = False,
) -> None:
    """Measure frames a second and the time of each stage, from decoding to the drawn picture.

    On generated clips with 0 to 8 faces, several sizes, 1 and 2 threads, with the settings of
    `live` and of `video`. Nothing else should run meanwhile.
    """
    job = BenchJob(source, frames, model, detector, detector_px)
    measured = job.measure(partial(progress, quiet=quiet))
    if json:
        write_json(json, job.record(measured))
    if json != STDOUT and not quiet:
        stdout_console().print(_table(measured))


def _table(measured: Sequence[tuple[BenchCase, SpeedFigures]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("settings", "threads", "size", "faces", "frames/s", "frame, ms", *_STAGES):
        table.add_column(name, justify="left" if name == "settings" else "right", no_wrap=True)
    for case, figures in measured:
        stages = [_cell(figures.stages.get(stage)) for stage in ("frame", *_STAGES)]
        table.add_row(
            case.mode,
            str(case.n_threads),
            f"{case.size_wh[0]}x{case.size_wh[1]}" if case.size_wh else "",
            str(figures.n_faces if case.n_faces is None else case.n_faces),
            f"{figures.frames_per_s:.0f}",
            *stages,
        )
    table.caption = "milliseconds: half of the runs take no longer / 19 of 20 take no longer"
    return table


def _cell(latency: Latency | None) -> str:
    return "-" if latency is None else f"{latency.p50_ms:.1f} / {latency.p95_ms:.1f}"
