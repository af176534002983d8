"""A live source: followed and named while it looks, shown, recorded, and written down."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from emolens.core.errors import EmolensError
from emolens.core.frame import FrameResult
from emolens.core.ports import ResultSink
from emolens.core.progress import say_nothing
from emolens.jobs.streams import Look, Stopping, never, take_all
from emolens.media.open_source import SourcePlan
from emolens.media.window import Window
from emolens.pipeline.models import Models
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.runner import StreamRunner, StreamStatus
from emolens.pipeline.stream_settings import StreamSettings
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.sessions.session import Session, SessionSummary
from emolens.tracking import DEFAULT_TRACKER

# How quickly the shown speed follows a change.
_SPEED_WEIGHT: Final = 0.1


def _show_nothing(_result: FrameResult, _speed: str) -> None:
    """Take a result that nobody looks at."""


@dataclass(frozen=True, slots=True)
class LiveJob:
    """What is made of a live source.

    Attributes:
        data: Sinks that take results as they come.
        images: Sinks that take drawn frames, such as recordings.
        window: A window to show them in, which ends the stream when it is closed, or None.
        duration_s: Seconds after which the stream ends, or None.
        look: How frames are drawn.
        settings: How often what is done.
        tracker: Name of the tracker.
        on_result: Told every result, and the speed so far.
        on_event: Told what happens to the source, and what its results warn about.
        on_failure: Told at once which output failed.
    """

    data: Sequence[ResultSink] = ()
    images: Sequence[ResultSink] = ()
    window: Window | None = None
    duration_s: float | None = None
    look: Look = field(default_factory=Look)
    settings: StreamSettings = field(default_factory=StreamSettings.for_live)
    tracker: str = DEFAULT_TRACKER
    on_result: Callable[[FrameResult, str], None] = _show_nothing
    on_event: Callable[[str], None] = say_nothing
    on_failure: Callable[[str], None] = say_nothing


@dataclass(frozen=True, slots=True)
class Watched:
    """What came out of a live session.

    Attributes:
        session: What was seen.
        status: How the stream did.
        error: What ended it early, or None.
        has_failures: Whether an output failed.
    """

    session: Session
    status: StreamStatus
    error: EmolensError | None
    has_failures: bool

    def __str__(self) -> str:
        counts, age = self.status.counts, self.status.latencies.get("age")
        text = f"{counts.processed} frames processed, {counts.dropped} dropped"
        if self.status.n_reconnects:
            text += f", source opened again {self.status.n_reconnects} times"
        if age:
            text += (
                f"; from capture to output {age.p50_ms:.0f} ms (19 of 20 within {age.p95_ms:.0f})"
            )
        return text


def live_settings(detector_px: int | None = None, *, blur: bool = False) -> StreamSettings:
    """Settings of a live stream: with blurred faces, every frame is searched."""
    settings = StreamSettings.for_live()
    if blur:
        # A face that is only looked for now and then would be shown until it is found.
        settings = replace(settings, detect_hz=None)
    return settings if detector_px is None else replace(settings, detector_px=detector_px)


def watch(
    plan: SourcePlan, models: Models, job: LiveJob | None = None, *, stopping: Stopping = never
) -> Watched:
    """Follow and name the faces of a live source until it ends or somebody ends it.

    Args:
        plan: How the source is opened; opened again whenever it is lost, if it is endless.
        models: What looks at the frames.
        job: What is made of them; nothing but the session unless given.
        stopping: Lets somebody stop it.

    Raises:
        ConfigError: A setting is out of range.
        ModelError: A model cannot be used.
        OutputError: An output cannot be begun.
        SourceError: The source gave no frame at all.
    """
    job = job or LiveJob()
    analyzer = models.stream_analyzer(tracker=job.tracker, settings=job.settings)
    speedometer = _Speedometer()
    layers = job.look.layers(models, analyzer, StreamOverlay(status=speedometer.text))
    analyzer.warm_up()
    summary = SessionSummary()
    ending = _Ending(job.duration_s, job.window)
    shown: list[ResultSink] = [job.window] if job.window else []
    with (
        Outputs(
            data=job.data,
            images=[*shown, *job.images],
            layers=layers,
            on_failure=job.on_failure,
        ) as outputs,
        StreamRunner(
            plan.open,
            analyzer.step,
            is_live=True,
            is_endless=plan.is_endless,
            on_event=job.on_event,
            on_idle=ending.look,
        ) as runner,
    ):

        def on_result(result: FrameResult, new_warnings: tuple[str, ...]) -> None:
            summary.write(result.frame, result)
            for warning in new_warnings:
                job.on_event(warning)
            job.on_result(result, speedometer.text(result))
            ending.look()

        ending.runner = runner
        run = take_all(runner, outputs, stopping, on_result)
    if run.error and not run.n_frames:
        raise run.error
    return Watched(summary.finish(), runner.status, run.error, bool(outputs.failures))


class _Ending:
    """Stops the stream when its time is over or its window closed."""

    def __init__(self, duration_s: float | None, window: Window | None) -> None:
        self._duration_s = duration_s
        self._window = window
        self._began_s = time.monotonic()
        self.runner: StreamRunner | None = None

    def look(self) -> None:
        if self._window is not None:
            self._window.pump()
        is_over = (
            self._duration_s is not None and time.monotonic() - self._began_s >= self._duration_s
        )
        is_closed = self._window is not None and self._window.is_closed
        if self.runner is not None and (is_over or is_closed):
            self.runner.stop()


class _Speedometer:
    """Frames per second and delay, calm enough to read."""

    def __init__(self) -> None:
        self._frame_index: int | None = None
        self._last_s: float | None = None
        self._interval_s = self._age_s = 0.0

    def text(self, result: FrameResult) -> str:
        """The speed up to a result; asking twice for the same one changes nothing."""
        if result.frame_index != self._frame_index:
            self._frame_index = result.frame_index
            self._note(time.monotonic(), result.frame.captured_at_s)
        rate = f"{1 / self._interval_s:.0f} fps · " if self._interval_s else ""
        return f"{rate}{1e3 * self._age_s:.0f} ms"

    def _note(self, now_s: float, captured_s: float) -> None:
        weight = _SPEED_WEIGHT if self._interval_s else 1.0
        self._age_s += weight * (now_s - captured_s - self._age_s)
        if self._last_s is not None:
            self._interval_s += weight * (now_s - self._last_s - self._interval_s)
        self._last_s = now_s
