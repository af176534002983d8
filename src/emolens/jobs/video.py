"""A recorded source, from its first frame to tables, an annotated copy and a page."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from emolens import __version__
from emolens.core.errors import ConfigError, OutputError, SourceError
from emolens.core.frame import Frame, FrameResult
from emolens.core.ports import FrameSource, ResultSink, SourceReport
from emolens.core.progress import Progress, silently
from emolens.jobs.streams import Look, Stopping, check_not_source, never, take_all
from emolens.media.open_source import Source, SourcePlan, plan_of_frames, plan_source
from emolens.media.plain_source import Frames
from emolens.media.recording_sink import RecordingSink, check_recording_name
from emolens.media.table_sink import TableSink, check_table_name
from emolens.pipeline.latency import Latency
from emolens.pipeline.models import Models
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import STREAM_THREADS
from emolens.pipeline.stream_settings import StreamSettings
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.reports.session_page import Speed, session_page
from emolens.sessions.session import MAX_HOLD_S, Session, SessionSummary
from emolens.storage.files import write_bytes
from emolens.tracking import DEFAULT_TRACKER


@dataclass(frozen=True, slots=True)
class VideoJob:
    """What is made of a recorded source.

    Attributes:
        tables: Paths of tables with a row per face and frame: .csv, .parquet or .jsonl.
        annotated: Path of the video with boxes and labels, .mkv or .mp4, or None.
        report: Path of a page with time lines, or None.
        look: How frames are drawn.
        thumbnails: Whether the page shows a small image of every face.
        settings: How often what is done.
        tracker: Name of the tracker.
    """

    tables: Sequence[str | Path] = ()
    annotated: str | Path | None = None
    report: str | Path | None = None
    look: Look = field(default_factory=Look)
    thumbnails: bool = False
    settings: StreamSettings = field(default_factory=StreamSettings)
    tracker: str = DEFAULT_TRACKER


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came out of a recording that was analysed.

    Attributes:
        session: What was seen.
        failures: What went wrong on the way, for people; empty if nothing did.
        warnings: What else is to be known about the source, for people.
        wall_s: How long it took in seconds.
        latencies: How long each stage took.
    """

    session: Session
    failures: list[str]
    warnings: list[str]
    wall_s: float
    latencies: dict[str, Latency]

    @property
    def speed(self) -> Speed:
        """What a page says about speed."""
        seconds = max(self.wall_s, 1e-9)
        return Speed(
            self.session.n_frames / seconds, self.session.duration_s / seconds, self.latencies
        )

    def __str__(self) -> str:
        rate = self.session.n_frames / max(self.wall_s, 1e-9)
        return (
            f"{self.session.n_frames} frames, {self.session.duration_s:.1f} s of video in "
            f"{self.wall_s:.1f} s ({rate:.0f} frames a second)"
        )


def analyze_video(
    source: Source | Frames | SourcePlan,
    job: VideoJob | None = None,
    *,
    models: Models | None = None,
    progress: Progress = silently,
    stopping: Stopping = never,
) -> Recorded:
    """Follow and name the faces of every frame of a source, and write what was asked for.

    What fails on the way stands in `failures`, and what was measured before is kept.

    Args:
        source: A video file, a folder of images, anything that gives frames, or a plan of
            `plan_source`. A camera has no end: see `emolens.stream`.
        job: What is made of the frames; nothing but the session unless given.
        models: What looks at them; the default models unless given.
        progress: Shows how far it is.
        stopping: Lets somebody stop it.

    Raises:
        ConfigError: An output would overwrite the source or another one, or its name is not one.
        ModelError: A model cannot be used.
        OutputError: An output cannot be begun.
        SourceError: The source cannot be opened, or has no frames.
    """
    plan = _plan(source)
    job, models = job or VideoJob(), models or Models(n_threads=STREAM_THREADS)
    _check_outputs(plan, job)
    analyzer = models.stream_analyzer(tracker=job.tracker, settings=job.settings)
    layers = job.look.layers(models, analyzer, StreamOverlay())
    # An image of a slow sequence stands for itself until the next one.
    hold_s = max(MAX_HOLD_S, plan.frame_s)
    summary = SessionSummary(thumbnails=job.thumbnails, max_hold_s=hold_s)
    with plan.open() as opened:
        recording = None
        if job.annotated:
            recording = RecordingSink(Path(job.annotated), sound_from=plan.sound_from)
        images: list[ResultSink] = [recording] if recording else []
        tables = [TableSink(Path(table)) for table in job.tables]
        outputs = Outputs(data=[summary, *tables], images=images, layers=layers)
        runner = StreamRunner(lambda: _Kept(opened), analyzer.step, is_live=False)
        recorded = _take(runner, outputs, opened, summary, progress=progress, stopping=stopping)
    if not recorded.session.n_frames:
        nothing = " ".join(filter(None, [plan.name, "has no frames", str(plan.clip)]))
        raise SourceError("; ".join([nothing, *recorded.failures]))
    if recording:
        recorded = replace(recorded, warnings=[*recorded.warnings, *recording.warnings])
    if job.report:
        failed = _write_report(
            Path(job.report), recorded, source=plan.name, model=models.model_name
        )
        recorded = replace(recorded, failures=[*recorded.failures, *failed])
    return recorded


def _check_outputs(plan: SourcePlan, job: VideoJob) -> None:
    """Refuse names before any file is begun."""
    check_not_source(plan.path, *job.tables, job.annotated, job.report)
    for table in job.tables:
        check_table_name(Path(table))
    if job.annotated:
        check_recording_name(Path(job.annotated))


def _plan(source: Source | Frames | SourcePlan) -> SourcePlan:
    if isinstance(source, SourcePlan):
        plan = source
    elif isinstance(source, int | str | os.PathLike):
        plan = plan_source(source)
    else:
        plan = plan_of_frames(source)
    if plan.is_endless:
        raise ConfigError(f"{plan.name} has no end; loop over emolens.stream(...)")
    return plan


def _take(
    runner: StreamRunner,
    outputs: Outputs,
    source: FrameSource,
    summary: SessionSummary,
    *,
    progress: Progress,
    stopping: Stopping,
) -> Recorded:
    began_s = time.monotonic()
    with outputs, progress("frames", source.report.n_expected) as done, runner:
        n_done = 0

        def count(_result: FrameResult, _new_warnings: tuple[str, ...]) -> None:
            nonlocal n_done
            n_done += 1
            done(n_done)

        run = take_all(runner, outputs, stopping, count)
    ended_by = [str(run.error)] if run.error else []
    if run.is_exhausted:
        ended_by.append("stopped, since nothing is left to write to")
    elif run.was_stopped and not run.error:
        ended_by.append(f"stopped after {run.n_frames} frames; what was measured before is kept")
    report = source.report
    return Recorded(
        summary.finish(),
        [*ended_by, *outputs.failures, *report.failures],
        [
            *run.warnings,
            *(warning for warning in report.warnings if warning not in report.failures),
        ],
        time.monotonic() - began_s,
        {**runner.status.latencies, **outputs.latencies},
    )


class _Kept:
    """A source that a runner does not close, since its report is asked for afterwards."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source

    @property
    def report(self) -> SourceReport:
        return self._source.report

    def interrupt(self) -> None:
        self._source.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Who opened the source closes it."""

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._source)


def _write_report(path: Path, recorded: Recorded, *, source: str, model: str) -> list[str]:
    """Write the page of a recording; what went wrong is returned, since the rest is done."""
    page = session_page(
        recorded.session,
        title=Path(source).name or source,
        speed=recorded.speed,
        source=source,
        model=model,
        emolens_version=__version__,
    )
    try:
        write_bytes(path, page.encode("utf-8"))
    except OutputError as error:
        return [str(error)]
    return []
