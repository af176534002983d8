"""`emolens live`: follow and name the faces of a camera while it looks."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.signals import stopping_on_signals
from emolens.cli.status_line import StatusLine
from emolens.cli.terminal import PartialFailureError, say, say_error, show
from emolens.core.progress import say_nothing
from emolens.detection import DEFAULT_DETECTOR
from emolens.jobs.live import LiveJob, live_settings, watch
from emolens.jobs.streams import Look, check_not_source
from emolens.media.jsonl_sink import JsonlSink
from emolens.media.open_source import paced, plan_source
from emolens.media.recording_sink import RecordingSink
from emolens.media.window import Window, has_screen
from emolens.pipeline.models import Models
from emolens.pipeline.stream import STREAM_THREADS
from emolens.reports.session_text import session_text
from emolens.storage.jsonl import STDOUT
from emolens.tracking import DEFAULT_TRACKER


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
    video_track: options.VideoTrackOption = None,
    blur: options.BlurOption = False,
    heatmap: options.HeatmapOption = False,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MAX_MEGAPIXELS,
    tracker: options.TrackerOption = DEFAULT_TRACKER,
    quiet: options.QuietOption = False,
) -> None:
    """Follow every face of a camera and name its apparent expression while it looks.

    The newest frame counts: frames that come too fast are dropped, and counted. A camera that is
    lost is opened again.

    Ends with q or Esc in the window, with Ctrl-C, or after --duration.
    """
    plan = paced(
        plan_source(source, max_pixels=max_megapixels * options.MEGAPIXEL, video_track=video_track)
    )
    check_not_source(plan.path, jsonl, record)
    models = Models(model=model, detector=detector, n_threads=STREAM_THREADS)
    # Whatever is wrong with models or screen is told before a file is begun.
    models.stream_analyzer(tracker=tracker)
    shown = Window() if (has_screen() if window is None else window) else None
    with StatusLine(is_shown=not quiet and jsonl != STDOUT) as status:
        job = LiveJob(
            data=[JsonlSink(jsonl, wall_clock=_wall_clock())] if jsonl else [],
            images=[RecordingSink(record)] if record else [],
            window=shown,
            duration_s=duration,
            look=Look(blur=blur, heatmap=heatmap),
            settings=live_settings(detector_px, blur=blur),
            tracker=tracker,
            on_result=status.show,
            on_event=say_nothing if quiet else say,
            on_failure=say_error,
        )
        watched = watch(plan, models, job, stopping=stopping_on_signals)
    if not quiet:
        if jsonl != STDOUT:
            show(session_text(watched.session))
        for warning in watched.status.warnings:
            say(warning)
        say(str(watched))
    if watched.error:
        say_error(str(watched.error))
    if watched.error or watched.has_failures:
        raise PartialFailureError


def _wall_clock() -> Callable[[float], float]:
    """From the monotonic clock of frames to seconds since 1970."""
    ahead_s = time.time() - time.monotonic()
    return lambda captured_s: captured_s + ahead_s
