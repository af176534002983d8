"""`emolens bench`: how quick this machine is, stage by stage."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import cv2
import typer
from rich.table import Table

from emolens import __version__
from emolens.cli.options import DetectorOption, DetectorPxOption, ModelOption
from emolens.cli.terminal import progress, stdout_console, write_json
from emolens.core.errors import ConfigError, SourceError
from emolens.core.ports import FrameSource
from emolens.detection import DEFAULT_DETECTOR, resolve_detector_name
from emolens.media.open_source import plan_source
from emolens.pipeline.latency import Latency
from emolens.pipeline.speed import SpeedFigures, measure_speed
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.runtime.catalogue import DEFAULT_ALIAS, DEFAULT_EMOTION_MODEL
from emolens.storage.jsonl import STDOUT
from emolens.testing.sample_clip import crowd_clip

_SIZES: Final = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
_USUAL_SIZE: Final = (640, 480)
_N_FACES: Final = (0, 1, 2, 4, 8)
_THREADS: Final = (1, 2)
_STAGES: Final = ("detection", "following", "classification", "drawing")


@dataclass(frozen=True, slots=True)
class _Case:
    """One thing to measure."""

    mode: str
    n_threads: int
    size_wh: tuple[int, int] | None
    n_faces: int | None

    def settings(self, detector: str, detector_px: int | None) -> StreamSettings:
        """Those of `live` or of `video`; without limits, which would hide what a stage takes."""
        usual = StreamSettings.for_live() if self.mode == "live" else StreamSettings()
        side_px = usual.search_px(detector) if detector_px is None else detector_px
        return StreamSettings(detector_px=side_px)


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
    cases = list(_cases_of(source))
    measured: list[tuple[_Case, SpeedFigures]] = []
    with progress("measurements", len(cases), quiet=quiet) as done:
        for number, case in enumerate(cases, start=1):
            # OpenCV's own threads are part of what is measured.
            cv2.setNumThreads(case.n_threads)
            analyzer = StreamAnalyzer.load(
                model=model,
                detector=detector,
                settings=case.settings(detector, detector_px),
                n_threads=case.n_threads,
            )
            figures = measure_speed(_frames_of(case, source, frames), analyzer, max_frames=frames)
            if not figures.n_frames:
                raise SourceError(f"{source} has no frames")
            measured.append((case, figures))
            done(number)
    cv2.setNumThreads(-1)
    if json:
        write_json(json, _record(measured, model=model, detector=detector, detector_px=detector_px))
    if json != STDOUT and not quiet:
        stdout_console().print(_table(measured))


def _cases_of(source: str | None) -> Iterator[_Case]:
    for mode in ("live", "video"):
        for n_threads in _THREADS:
            if source is not None:
                yield _Case(mode, n_threads, None, None)
                continue
            for n_faces in _N_FACES:
                yield _Case(mode, n_threads, _USUAL_SIZE, n_faces)
            for size_wh in _SIZES:
                if size_wh != _USUAL_SIZE:
                    yield _Case(mode, n_threads, size_wh, 1)


def _frames_of(case: _Case, source: str | None, n_frames: int) -> FrameSource:
    if source is None:
        rate_hz = 30.0
        return crowd_clip(
            case.n_faces or 0,
            size_wh=case.size_wh or _USUAL_SIZE,
            rate_hz=rate_hz,
            duration_s=(n_frames + 10) / rate_hz,
        )
    plan = plan_source(source)
    if plan.is_endless:
        raise ConfigError("cameras give frames at their own speed; give a video file")
    return plan.open()


def _record(
    measured: Sequence[tuple[_Case, SpeedFigures]],
    *,
    model: str,
    detector: str,
    detector_px: int | None,
) -> dict[str, object]:
    return {
        "emolens": __version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "processor": _processor(),
        "model": DEFAULT_EMOTION_MODEL if model == DEFAULT_ALIAS else model,
        "detector": resolve_detector_name(detector),
        "detector_px": detector_px,
        "measurements": [
            {
                "mode": case.mode,
                "threads": case.n_threads,
                "size_wh": case.size_wh,
                "faces": case.n_faces,
                **figures.to_dict(),
            }
            for case, figures in measured
        ],
    }


def _processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []  # another system than Linux
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _table(measured: Sequence[tuple[_Case, SpeedFigures]]) -> Table:
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
