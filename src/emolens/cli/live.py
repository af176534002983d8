"""`emolens live`: follow and name the faces of a camera while it looks."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Self

import typer
from rich.live import Live
from rich.text import Text

from emolens.cli.options import (
    DEFAULT_MAX_MEGAPIXELS,
    MEGAPIXEL,
    BlurOption,
    DetectorOption,
    DetectorPxOption,
    HeatmapOption,
    MaxMegapixelsOption,
    ModelOption,
    TrackerOption,
    VideoTrackOption,
)
from emolens.cli.streams import (
    Look,
    check_not_source,
    show_session,
    stopping_on_signals,
)
from emolens.cli.terminal import PartialFailureError, say, say_error, stderr_console
from emolens.core.errors import EmolensError
from emolens.core.frame import FrameResult
from emolens.core.ports import ResultSink
from emolens.detection import DEFAULT_DETECTOR
from emolens.media.jsonl_sink import JsonlSink
from emolens.media.open_source import paced, plan_source
from emolens.media.recording import Recording
from emolens.media.window import Window, has_screen
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.runner import StreamRunner, StreamStatus
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.rendering.overlay import label_text
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.sessions.session import SessionSummary
from emolens.storage.jsonl import STDOUT
from emolens.tracking import DEFAULT_TRACKER

# The status line changes this often: more is a flicker.
_STATUS_EVERY_S: Final = 0.25
# How quickly the shown speed follows a change.
_SPEED_WEIGHT: Final = 0.1


def live(  # noqa: PLR0913 (one option each)
    *,
    source: Annotated[
        str, typer.Option(help="Number of a camera, address of a network camera, or a video file.")
    ] = "0",
    window: Annotated[
        bool | None,
        typer.Option(
            "--window/--no-window", help="Show a window; by default where there is a screen."
        ),
    ] = None,
    jsonl: Annotated[
        str | None, typer.Option(help="Write one JSON line per frame here; - is stdout.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Record what the window shows: .mkv or .mp4.")
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    video_track: VideoTrackOption = None,
    blur: BlurOption = False,
    heatmap: HeatmapOption = False,
    model: ModelOption = "default",
    detector: DetectorOption = DEFAULT_DETECTOR,
    detector_px: DetectorPxOption = None,
    max_megapixels: MaxMegapixelsOption = DEFAULT_MAX_MEGAPIXELS,
    tracker: TrackerOption = DEFAULT_TRACKER,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No status line, table or remarks.")
    ] = False,
) -> None:
    """Follow every face of a camera and name its apparent expression while it looks.

    The newest frame counts: frames that come too fast are dropped, and counted. A camera that is
    lost is opened again.

    Ends with q or Esc in the window, with Ctrl-C, or after --duration.
    """
    plan = paced(
        plan_source(source, max_pixels=max_megapixels * MEGAPIXEL, video_track=video_track)
    )
    check_not_source(plan.path, jsonl, record)
    analyzer = StreamAnalyzer.load(
        model=model,
        detector=detector,
        tracker=tracker,
        settings=_settings(detector_px, blur=blur),
    )
    speedometer = _Speedometer()
    overlay = StreamOverlay(status=speedometer.text)
    layers = Look(model, blur=blur, heatmap=heatmap).layers(analyzer, overlay)
    analyzer.warm_up()
    shown = Window() if (has_screen() if window is None else window) else None
    summary = SessionSummary()
    data = [JsonlSink(jsonl, wall_clock=_wall_clock())] if jsonl else []
    pictures: list[ResultSink] = [shown] if shown else []
    if record:
        pictures.append(Recording(record))
    ending = _Ending(duration, shown)
    tell = _say_nothing if quiet else say
    said: set[str] = set()
    with (
        _StatusLine(is_shown=not quiet and jsonl != STDOUT) as status,
        Outputs(data=data, pictures=pictures, layers=layers, on_failure=say_error) as outputs,
        StreamRunner(
            plan.open,
            analyzer.step,
            is_live=True,
            is_endless=plan.is_endless,
            on_event=tell,
            on_idle=ending.look,
        ) as runner,
    ):

        def on_result(result: FrameResult) -> None:
            summary.write(result.frame, result)
            for note in set(result.notes) - said:
                tell(note)
                said.add(note)
            status.show(result, speedometer.text(result))

        ending.runner = runner
        ended_by = _run(runner, outputs, ending, on_result)
    session = summary.finish()
    if ended_by and not session.n_frames:
        raise ended_by
    if not quiet:
        if jsonl != STDOUT:
            show_session(session)
        for remark in runner.status.remarks:
            say(remark)
        say(_totals(runner.status))
    if ended_by:
        say_error(str(ended_by))
    if ended_by or outputs.failures:
        raise PartialFailureError


def _settings(detector_px: int | None, *, blur: bool) -> StreamSettings:
    settings = StreamSettings.for_live()
    if blur:
        # A face that is only looked for now and then would be shown until it is found.
        settings = replace(settings, detect_hz=None)
    return settings if detector_px is None else replace(settings, detector_px=detector_px)


def _say_nothing(_message: str) -> None:
    """Take an event that nobody asked for."""


def _run(
    runner: StreamRunner,
    outputs: Outputs,
    ending: "_Ending",
    on_result: Callable[[FrameResult], None],
) -> EmolensError | None:
    """Take results until the end; the error that ends them early is returned."""
    with stopping_on_signals(runner):
        try:
            for result in runner:
                outputs.write(result.frame, result)
                on_result(result)
                ending.look()
                if outputs.is_exhausted:
                    return None
        except EmolensError as error:
            return error
    return None


def _wall_clock() -> Callable[[float], float]:
    """From the monotonic clock of frames to seconds since 1970."""
    ahead_s = time.time() - time.monotonic()
    return lambda captured_s: captured_s + ahead_s


def _totals(status: StreamStatus) -> str:
    counts, age = status.counts, status.latencies.get("age")
    text = f"{counts.processed} frames processed, {counts.dropped} dropped"
    if status.n_reconnects:
        text += f", source opened again {status.n_reconnects} times"
    if age:
        text += f"; from capture to output {age.p50_ms:.0f} ms (19 of 20 within {age.p95_ms:.0f})"
    return text


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


class _StatusLine:
    """One line on the terminal that tells what is seen, where a person is looking at it."""

    def __init__(self, *, is_shown: bool) -> None:
        console = stderr_console()
        is_live = is_shown and console.is_terminal
        self._live = Live(console=console, transient=True, auto_refresh=False) if is_live else None
        self._next_s = 0.0
        self._n_dropped = 0

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, result: FrameResult, speed: str) -> None:
        """Tell what is seen now."""
        self._n_dropped += result.dropped_before
        now_s = time.monotonic()
        if self._live is None or now_s < self._next_s:
            return
        self._next_s = now_s + _STATUS_EVERY_S
        faces = ", ".join(f"{face.track_id}: {label_text(face)}" for face in result.faces)
        dropped = f" · {self._n_dropped} dropped" if self._n_dropped else ""
        self._live.update(Text(f"{speed}{dropped} · {faces or 'no face'}"), refresh=True)
