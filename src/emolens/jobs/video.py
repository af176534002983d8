"""Analysis of a recorded source, with tables, an annotated video and a report."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from emolens.contract import Provenance
from emolens.core.errors import ConfigError, OutputError, SourceError
from emolens.core.frame import Frame, FrameResult
from emolens.core.ports import FrameSource, ResultSink, SourceReport
from emolens.core.progress import Progress, silently
from emolens.jobs.drawing import DrawOptions
from emolens.jobs.streams import (
    Stopping,
    never,
    stream_provenance,
    take_all,
)
from emolens.jobs.summaries import check_summary_name, write_summary
from emolens.media.open_source import Source, SourcePlan, plan_of_frames, plan_source
from emolens.media.plain_source import Frames
from emolens.media.recording_sink import RecordingSink, check_recording_name
from emolens.media.table_file import check_table_name
from emolens.media.table_sink import TableSink
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
from emolens.storage.names import PAGE_SUFFIXES, check_distinct, check_suffix
from emolens.tracking import DEFAULT_TRACKER


@dataclass(frozen=True, slots=True)
class VideoJob:
    """The settings and outputs of a video analysis.

    Attributes:
        tables: Paths of tables with one row per face and frame: .csv, .parquet or .jsonl.
        annotated: Path of the video with boxes and labels, .mkv or .mp4, or None.
        report: Path of an HTML report with time lines, or None.
        summary: Path of the metrics of each track: a table (.csv, .parquet or .jsonl) with
            `emolens.TRACK_COLUMNS`, or the whole session (.json), or None.
        draw_options: Options for drawing frames.
        thumbnails: Whether the report shows a thumbnail of every face.
        settings: Rates of detection and classification; with blurred faces, detection runs in
            every frame.
        tracker: Name of the tracker.

    Raises:
        ConfigError: The report would show the faces that are blurred.
    """

    tables: Sequence[str | Path] = ()
    annotated: str | Path | None = None
    report: str | Path | None = None
    summary: str | Path | None = None
    draw_options: DrawOptions = field(default_factory=DrawOptions)
    thumbnails: bool = False
    settings: StreamSettings = field(default_factory=StreamSettings)
    tracker: str = DEFAULT_TRACKER

    def __post_init__(self) -> None:
        if self.thumbnails and self.draw_options.blur:
            raise ConfigError(
                "thumbnails (--thumbnails) would show the faces that blur (--blur) hides. Omit one "
                "of them."
            )


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of a video analysis.

    Attributes:
        session: Summary of the session.
        failures: Error messages for users; empty on success.
        warnings: Other warnings about the source, for users.
        wall_s: Duration of the analysis in seconds.
        latencies: Latency of each stage.
    """

    session: Session
    failures: list[str]
    warnings: list[str]
    wall_s: float
    latencies: dict[str, Latency]

    @property
    def provenance(self) -> Provenance | None:
        """The record of how the results were made, which all outputs contain."""
        return self.session.provenance

    @property
    def speed(self) -> Speed:
        """The speed of the analysis."""
        seconds = max(self.wall_s, 1e-9)
        return Speed(
            self.session.n_frames / seconds, self.session.duration_s / seconds, self.latencies
        )

    def __str__(self) -> str:
        rate = self.session.n_frames / max(self.wall_s, 1e-9)
        return (
            f"{self.session.n_frames} frames, {self.session.duration_s:.1f} s of video in "
            f"{self.wall_s:.1f} s ({rate:.0f} frames per second)"
        )


def analyze_video(
    source: Source | Frames | SourcePlan,
    job: VideoJob | None = None,
    *,
    models: Models | None = None,
    progress: Progress = silently,
    stopping: Stopping = never,
) -> Recorded:
    """Track and classify the faces in every frame of a source, and write the outputs.

    Errors during the analysis are returned in `failures`, together with the results so far.

    Args:
        source: Video file, folder of images, iterable of frames, or plan from `plan_source`. For
            cameras, use `emolens.stream`.
        job: Settings and outputs; by default, only the session is summarised.
        models: Models to use; by default, the default models.
        progress: Progress callback.
        stopping: Context manager that can stop the analysis.

    Raises:
        ConfigError: An output would overwrite the source or another output, its suffix is not
            supported, or the source is endless.
        ModelError: A model cannot be loaded.
        OutputError: An output cannot be created.
        SourceError: The source cannot be opened, or has no frames.
    """
    plan = _plan(source)
    job, models = job or VideoJob(), models or Models(n_threads=STREAM_THREADS)
    check_distinct(outputs_of(job), sources=[plan.path])
    check_output_names(job)
    settings = job.draw_options.settings_of(job.settings)
    analyzer = models.stream_analyzer(tracker=job.tracker, settings=settings)
    overlay = StreamOverlay(style=job.draw_options.style)
    layers = job.draw_options.layers(models, analyzer.framing, overlay)
    # In a slow image sequence, each result holds until the next image.
    hold_s = max(MAX_HOLD_S, plan.frame_s)
    with plan.open() as opened:
        made = stream_provenance(plan, analyzer, job.draw_options, opened.report)
        summary = SessionSummary(thumbnails=job.thumbnails, max_hold_s=hold_s, made=made)
        recording = None
        if job.annotated:
            recording = RecordingSink(Path(job.annotated), sound_from=plan.sound_from, made=made)
        images: list[ResultSink] = [recording] if recording else []
        tables = [TableSink(Path(table), made=made) for table in job.tables]
        outputs = Outputs(data=[summary, *tables], images=images, layers=layers)
        runner = StreamRunner(lambda: _BorrowedSource(opened), analyzer.step, is_live=False)
        recorded = _take(runner, outputs, opened, summary, progress=progress, stopping=stopping)
    if not recorded.session.n_frames:
        no_frames = " ".join(filter(None, [plan.name, "has no frames", str(plan.clip)]))
        raise SourceError("; ".join([no_frames, *recorded.failures]))
    if recording:
        recorded = replace(recorded, warnings=[*recorded.warnings, *recording.warnings])
    if job.report:
        report_failures = _write_report(Path(job.report), recorded, made, source=plan.title)
        recorded = replace(recorded, failures=[*recorded.failures, *report_failures])
    if job.summary:
        recorded = _with_summary(recorded, Path(job.summary))
    return recorded


def outputs_of(job: VideoJob) -> list[str | Path]:
    """Return the paths of all outputs of a job."""
    outputs = (*job.tables, job.annotated, job.report, job.summary)
    return [path for path in outputs if path is not None]


def check_output_names(job: VideoJob) -> None:
    """Check the suffixes of all outputs before any file is created.

    Raises:
        ConfigError: A suffix is not supported.
    """
    for table in job.tables:
        check_table_name(Path(table))
    if job.annotated:
        check_recording_name(Path(job.annotated))
    if job.report:
        check_suffix(job.report, PAGE_SUFFIXES)
    if job.summary:
        check_summary_name(Path(job.summary))


def _plan(source: Source | Frames | SourcePlan) -> SourcePlan:
    if isinstance(source, SourcePlan):
        plan = source
    elif isinstance(source, int | str | os.PathLike):
        plan = plan_source(source)
    else:
        plan = plan_of_frames(source)
    if plan.is_endless:
        raise ConfigError(f"{plan.name} is a live source. Use emolens.stream() instead.")
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
    started_s = time.monotonic()
    with outputs, progress("frames", source.report.n_expected) as done, runner:
        n_done = 0

        def count(_result: FrameResult, _new_warnings: tuple[str, ...]) -> None:
            nonlocal n_done
            n_done += 1
            done(n_done)

        run = take_all(runner, outputs, stopping, count)
    causes = [str(run.error)] if run.error else []
    if run.is_exhausted:
        causes.append("stopped, because all outputs failed")
    elif run.was_stopped and not run.error:
        causes.append(f"stopped after {run.n_frames} frames; the results so far are kept")
    report = source.report
    return Recorded(
        summary.finish(),
        [*causes, *outputs.failures, *report.failures],
        [
            *run.warnings,
            *(warning for warning in report.warnings if warning not in report.failures),
        ],
        time.monotonic() - started_s,
        {**runner.status.latencies, **outputs.latencies},
    )


class _BorrowedSource:
    """A source that the runner does not close, because its report is read afterwards."""

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
        """Leave the source open; its owner closes it."""

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._source)


def _write_report(path: Path, recorded: Recorded, made: Provenance, *, source: str) -> list[str]:
    """Write the report of a recording and return any error; the analysis itself is complete."""
    page = session_page(
        recorded.session,
        title=source,
        speed=recorded.speed,
        source=source,
        made=made,
    )
    try:
        write_bytes(path, page.encode("utf-8"))
    except OutputError as error:
        return [str(error)]
    return []


def _with_summary(recorded: Recorded, path: Path) -> Recorded:
    """Write the summary of a recording; return the recording with any error and warning."""
    session = recorded.session
    try:
        write_summary(path, session)
    except OutputError as error:
        return replace(recorded, failures=[*recorded.failures, str(error)])
    if not session.n_other_tracks:
        return recorded
    left_out = (
        f"{path}: {session.n_other_tracks} more tracks, visible for a shorter time, are left out"
    )
    return replace(recorded, warnings=[*recorded.warnings, left_out])
