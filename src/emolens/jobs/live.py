"""Real-time analysis of a live source, with a window, recordings and data files."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from emolens.contract import Provenance
from emolens.core.errors import EmolensError
from emolens.core.frame import FrameResult
from emolens.core.ports import ResultSink
from emolens.core.progress import say_nothing
from emolens.jobs.drawing import DrawOptions
from emolens.jobs.streams import Stopping, never, stream_provenance, take_all
from emolens.media.open_source import SourcePlan
from emolens.media.window import Window
from emolens.pipeline.latency import CAPTURE_TO_RESULT
from emolens.pipeline.models import Models
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.runner import StreamRunner, StreamStatus
from emolens.pipeline.stream_settings import StreamSettings
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.sessions.session import Session, SessionSummary
from emolens.tracking import DEFAULT_TRACKER

# Weight of the newest frame in the moving average of the displayed speed.
_SPEED_WEIGHT: Final = 0.1


def _show_nothing(_result: FrameResult, _speed: str) -> None:
    """Ignore a result."""


@dataclass(frozen=True, slots=True)
class LiveJob:
    """The settings and outputs of a live analysis.

    Attributes:
        data: Sinks for results.
        images: Sinks for annotated frames, such as recordings.
        window: Window for annotated frames, or None; closing it ends the stream.
        duration_s: Maximum duration of the stream in seconds, or None.
        draw_options: Options for drawing frames.
        settings: Rates of detection and classification; with blurred faces, detection runs in
            every frame.
        tracker: Name of the tracker.
        on_result: Called with each result and the current speed.
        on_event: Called with each event of the source and each new warning.
        on_failure: Called immediately with the error of a failed output.
    """

    data: Sequence[ResultSink] = ()
    images: Sequence[ResultSink] = ()
    window: Window | None = None
    duration_s: float | None = None
    draw_options: DrawOptions = field(default_factory=DrawOptions)
    settings: StreamSettings = field(default_factory=StreamSettings.for_live)
    tracker: str = DEFAULT_TRACKER
    on_result: Callable[[FrameResult, str], None] = _show_nothing
    on_event: Callable[[str], None] = say_nothing
    on_failure: Callable[[str], None] = say_nothing


@dataclass(frozen=True, slots=True)
class Watched:
    """The result of a live analysis.

    Attributes:
        session: Summary of the session.
        status: Final status of the stream.
        error: The error that ended the stream, or None.
        has_failures: Whether an output failed.
    """

    session: Session
    status: StreamStatus
    error: EmolensError | None
    has_failures: bool

    @property
    def provenance(self) -> Provenance | None:
        """The record of how the results were made."""
        return self.session.provenance

    def __str__(self) -> str:
        counts, delay = self.status.counts, self.status.latencies.get(CAPTURE_TO_RESULT)
        text = f"{counts.processed} frames processed, {counts.dropped} dropped"
        if self.status.n_reconnects:
            text += f", source reopened {self.status.n_reconnects} times"
        if delay:
            text += (
                f"; latency from capture to result {delay.p50_ms:.0f} ms "
                f"(95th percentile {delay.p95_ms:.0f} ms)"
            )
        return text


def live_settings(
    detector_px: int | None = None,
    *,
    blur: bool = False,
    cuts: bool = True,
    min_confidence: float = 0.0,
) -> StreamSettings:
    """Create the settings of a live stream; with blurred faces, detection runs on every frame."""
    settings = replace(
        StreamSettings.for_live(), cuts=cuts, min_confidence=min_confidence, detector_px=detector_px
    )
    return DrawOptions(blur=blur).settings_of(settings)


def watch(
    plan: SourcePlan, models: Models, job: LiveJob | None = None, *, stopping: Stopping = never
) -> Watched:
    """Track and classify the faces of a live source until it ends or is stopped.

    Args:
        plan: Plan that opens the source. An endless source is reopened when it is lost.
        models: Models to use.
        job: Settings and outputs; by default, only the session is summarised.
        stopping: Context manager that can stop the stream.

    Raises:
        ConfigError: A setting is out of range.
        ModelError: A model cannot be loaded.
        OutputError: An output cannot be created.
        SourceError: The source delivers no frame.
    """
    job = job or LiveJob()
    settings = job.draw_options.settings_of(job.settings)
    analyzer = models.stream_analyzer(tracker=job.tracker, settings=settings)
    speedometer = _Speedometer()
    overlay = StreamOverlay(status=speedometer.text, style=job.draw_options.style)
    layers = job.draw_options.layers(models, analyzer.framing, overlay, is_live=True)
    analyzer.warm_up()
    summary = SessionSummary(made=stream_provenance(plan, analyzer, job.draw_options))
    ending = _StopCondition(job.duration_s, job.window)
    windows: list[ResultSink] = [job.window] if job.window else []
    with (
        Outputs(
            data=job.data,
            images=[*windows, *job.images],
            layers=layers,
            on_failure=job.on_failure,
        ) as outputs,
        StreamRunner(
            plan.open,
            analyzer.step,
            is_live=True,
            is_endless=plan.is_endless,
            on_event=job.on_event,
            on_idle=ending.check,
        ) as runner,
    ):

        def on_result(result: FrameResult, new_warnings: tuple[str, ...]) -> None:
            summary.write(result.frame, result)
            for warning in new_warnings:
                job.on_event(warning)
            job.on_result(result, speedometer.text(result))
            ending.check()

        ending.runner = runner
        run = take_all(runner, outputs, stopping, on_result)
    if run.error and not run.n_frames:
        raise run.error
    return Watched(summary.finish(), runner.status, run.error, bool(outputs.failures))


class _StopCondition:
    """A check that stops the stream after its duration or when its window is closed."""

    def __init__(self, duration_s: float | None, window: Window | None) -> None:
        self._duration_s = duration_s
        self._window = window
        self._started_s = time.monotonic()
        self.runner: StreamRunner | None = None

    def check(self) -> None:
        if self._window is not None:
            self._window.pump()
        is_over = (
            self._duration_s is not None and time.monotonic() - self._started_s >= self._duration_s
        )
        is_closed = self._window is not None and self._window.is_closed
        if self.runner is not None and (is_over or is_closed):
            self.runner.stop()


class _Speedometer:
    """Frames per second and latency, smoothed by a moving average."""

    def __init__(self) -> None:
        self._frame_index: int | None = None
        self._last_s: float | None = None
        self._interval_s = self._age_s = 0.0

    def text(self, result: FrameResult) -> str:
        """Return the speed up to a result; repeated calls for one result count once."""
        if result.frame_index != self._frame_index:
            self._frame_index = result.frame_index
            self._update(time.monotonic(), result.frame.captured_at_s)
        rate = f"{1 / self._interval_s:.0f} fps · " if self._interval_s else ""
        return f"{rate}{1e3 * self._age_s:.0f} ms"

    def _update(self, now_s: float, captured_s: float) -> None:
        weight = _SPEED_WEIGHT if self._interval_s else 1.0
        self._age_s += weight * (now_s - captured_s - self._age_s)
        if self._last_s is not None:
            self._interval_s += weight * (now_s - self._last_s - self._interval_s)
        self._last_s = now_s
