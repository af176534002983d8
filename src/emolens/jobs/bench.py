"""Throughput and latency on this computer, stage by stage."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from emolens import __version__
from emolens.contract import PROVENANCE_KEY, Provenance
from emolens.core.description import settings_of
from emolens.core.errors import ConfigError, SourceError
from emolens.core.ports import FrameSource
from emolens.core.progress import Progress, silently
from emolens.detection import DEFAULT_DETECTOR, resolve_detector_name
from emolens.media.input_record import input_record
from emolens.media.open_source import plan_source
from emolens.pipeline.latency import Latency
from emolens.pipeline.models import Models
from emolens.pipeline.provenance import provenance
from emolens.pipeline.speed import SpeedMetrics, measure_speed
from emolens.pipeline.stream_settings import StreamSettings
from emolens.reports.text import Block, TextTable, numbers_from
from emolens.runtime.catalogue import DEFAULT_ALIAS
from emolens.testing.sample_clip import crowd_clip

_SIZES: Final = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
_USUAL_SIZE: Final = (640, 480)
_N_FACES: Final = (0, 1, 2, 4, 8)
_THREADS: Final = (1, 2)
_STAGES: Final = ("detection", "following", "classification", "drawing")
_CAPTION: Final = "latencies in milliseconds: median / 95th percentile"


@dataclass(frozen=True, slots=True)
class BenchCase:
    """One configuration to measure.

    Attributes:
        mode: The command whose settings are used: `live` or `video`.
        n_threads: Number of threads of each model and of OpenCV.
        size_wh: (width, height) of the frames in pixels; None for a video.
        n_faces: Number of faces per frame; None for a video.
    """

    mode: str
    n_threads: int
    size_wh: tuple[int, int] | None
    n_faces: int | None

    def settings(self, detector: str, detector_px: int | None) -> StreamSettings:
        """Create the settings of `live` or `video` without rate limits, which hide latencies."""
        usual = StreamSettings.for_live() if self.mode == "live" else StreamSettings()
        side_px = usual.resolve_detector_px(detector) if detector_px is None else detector_px
        return StreamSettings(detector_px=side_px)


@dataclass(frozen=True, slots=True)
class BenchJob:
    """A benchmark of the stream pipeline.

    Attributes:
        source: Video to measure; None uses generated clips.
        n_frames: Number of frames per measurement.
        model: Name or path of the emotion model.
        detector: Name of the detector.
        detector_px: Longer side of the detector's input for a 4:3 frame; None uses the default.
    """

    source: str | None = None
    n_frames: int = 60
    model: str = DEFAULT_ALIAS
    detector: str = DEFAULT_DETECTOR
    detector_px: int | None = None

    def measure(self, progress: Progress = silently) -> list[tuple[BenchCase, SpeedMetrics]]:
        """Measure all cases in sequence.

        Raises:
            ConfigError: The source is a camera, or an option is unknown or out of range.
            ModelError: A model cannot be loaded.
            SourceError: The source cannot be read, or has no frames.
        """
        cases = list(_cases_of(self.source))
        measured: list[tuple[BenchCase, SpeedMetrics]] = []
        with progress("measurements", len(cases)) as done:
            for number, case in enumerate(cases, start=1):
                measured.append((case, self._measure(case)))
                done(number)
        cv2.setNumThreads(-1)
        return measured

    def _measure(self, case: BenchCase) -> SpeedMetrics:
        # The measurement includes OpenCV's own threads.
        cv2.setNumThreads(case.n_threads)
        models = Models(model=self.model, detector=self.detector, n_threads=case.n_threads)
        analyzer = models.stream_analyzer(settings=case.settings(self.detector, self.detector_px))
        frames = _frames_of(case, self.source, self.n_frames)
        metrics = measure_speed(frames, analyzer, max_frames=self.n_frames)
        if not metrics.n_frames:
            raise SourceError(f"{self.source} has no frames")
        return metrics

    def record(self, measured: Sequence[tuple[BenchCase, SpeedMetrics]]) -> dict[str, object]:
        """Return all metrics as plain values, with the hardware, models and settings."""
        return {
            **_record(
                measured, model=self.model, detector=self.detector, detector_px=self.detector_px
            ),
            PROVENANCE_KEY: self._provenance().to_dict(),
        }

    def _provenance(self) -> Provenance:
        models = Models(model=self.model, detector=self.detector)
        plan = None if self.source is None else plan_source(self.source)
        return provenance(
            settings_of(self, without=("source", "model", "detector", "detector_px")),
            models.classifier,
            models.detector(detector_px=self.detector_px),
            source=input_record(plan) if plan else None,
        )


def _cases_of(source: str | None) -> Iterator[BenchCase]:
    for mode in ("live", "video"):
        for n_threads in _THREADS:
            if source is not None:
                yield BenchCase(mode, n_threads, None, None)
                continue
            for n_faces in _N_FACES:
                yield BenchCase(mode, n_threads, _USUAL_SIZE, n_faces)
            for size_wh in _SIZES:
                if size_wh != _USUAL_SIZE:
                    yield BenchCase(mode, n_threads, size_wh, 1)


def _frames_of(case: BenchCase, source: str | None, n_frames: int) -> FrameSource:
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
        raise ConfigError(
            f"{plan.name} is a live source, which limits the frame rate. Use a video file."
        )
    return plan.open()


def _record(
    measured: Sequence[tuple[BenchCase, SpeedMetrics]],
    *,
    model: str,
    detector: str,
    detector_px: int | None,
) -> dict[str, object]:
    return {
        "emolens": __version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "processor": _processor(),
        "model": Models(model=model).model_name,
        "detector": resolve_detector_name(detector),
        "detector_px": detector_px,
        "measurements": [
            {
                "mode": case.mode,
                "threads": case.n_threads,
                "size_wh": case.size_wh,
                "faces": case.n_faces,
                **metrics.to_dict(),
            }
            for case, metrics in measured
        ],
    }


def _processor() -> str:
    """Return the model name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []  # not Linux
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def bench_text(measured: Sequence[tuple[BenchCase, SpeedMetrics]]) -> list[Block]:
    """Format all metrics as a table."""
    headings = ("settings", "threads", "size", "faces", "frames/s", "frame, ms", *_STAGES)
    rows = [
        (
            case.mode,
            str(case.n_threads),
            f"{case.size_wh[0]}x{case.size_wh[1]}" if case.size_wh else "",
            str(metrics.n_faces if case.n_faces is None else case.n_faces),
            f"{metrics.frames_per_s:.0f}",
            *(_cell(metrics.stages.get(stage)) for stage in ("frame", *_STAGES)),
        )
        for case, metrics in measured
    ]
    return [TextTable(headings, rows, numbers_from(1, len(headings))), _CAPTION]


def _cell(latency: Latency | None) -> str:
    return "-" if latency is None else f"{latency.p50_ms:.1f} / {latency.p95_ms:.1f}"
