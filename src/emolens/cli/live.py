"""`emolens live`: face tracking and classification on a camera in real time."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.loading import loading
from emolens.cli.terminal import PartialFailureError, echo, echo_error, show
from emolens.core.progress import say_nothing
from emolens.storage.jsonl import STDOUT
from emolens.storage.names import JSON_LINES_SUFFIXES, RECORDING_SUFFIXES, check_distinct


def live(  # noqa: PLR0913 (one option each)
    *,
    source: Annotated[
        str, typer.Option(help="Camera index, URL of a network camera, or video file.")
    ] = "0",
    window: Annotated[
        bool | None,
        typer.Option(
            "--window/--no-window", help="Show a window. Default: only if a screen is available."
        ),
    ] = None,
    jsonl: Annotated[
        str | None,
        typer.Option(
            *options.JSONL,
            help="Write one JSON line per frame to this file (.jsonl); - for standard output.",
            callback=options.file_named(JSON_LINES_SUFFIXES),
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            help="Record the annotated frames: .mkv or .mp4.",
            callback=options.file_named(RECORDING_SUFFIXES),
        ),
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Stop after this many seconds.")] = None,
    video_track: options.VideoTrackOption = None,
    blur: options.BlurOption = False,
    heatmap: options.HeatmapOption = False,
    tags: options.TagsOption = True,
    style: options.StyleOption = "auto",
    min_confidence: options.MinConfidenceOption = None,
    at_least: options.AtLeastOption = None,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = options.DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MAX_MEGAPIXELS,
    tracker: options.TrackerOption = options.DEFAULT_TRACKER,
    cuts: options.CutsOption = True,
    quiet: options.QuietOption = False,
) -> None:
    """Track faces on a camera and classify their apparent expression in real time.

    Only the newest frame is processed: frames that arrive too fast are dropped and counted. A
    camera that is lost is reopened.

    Stop with q or Esc in the window, with Ctrl-C, or with --duration.
    """
    with loading():
        from emolens.cli.signals import stopping_on_signals
        from emolens.cli.status_line import StatusLine
        from emolens.jobs.confidence import chosen_confidence
        from emolens.jobs.drawing import DrawOptions
        from emolens.jobs.live import LiveJob, live_settings, watch
        from emolens.jobs.streams import stream_provenance
        from emolens.media.jsonl_sink import JsonlSink
        from emolens.media.open_source import paced, plan_source
        from emolens.media.recording_sink import RecordingSink
        from emolens.media.window import Window, has_screen
        from emolens.pipeline.models import Models
        from emolens.pipeline.stream import STREAM_THREADS
        from emolens.reports.session_text import session_text

    plan = paced(
        plan_source(source, max_pixels=max_megapixels * options.MEGAPIXEL, video_track=video_track)
    )
    check_distinct([jsonl, record], sources=[plan.path])
    models = Models(model=model, detector=detector, n_threads=STREAM_THREADS)
    say = say_nothing if quiet else echo
    confidence = chosen_confidence(models, min_confidence, at_least, on_message=say)
    settings = live_settings(detector_px, blur=blur, cuts=cuts, min_confidence=confidence)
    draw_options = DrawOptions(blur=blur, heatmap=heatmap, tags=tags, style=style)
    # Report problems with models or the screen before any file is created.
    analyzer = models.stream_analyzer(tracker=tracker, settings=settings)
    made = stream_provenance(plan, analyzer, draw_options)
    shown = Window() if (has_screen() if window is None else window) else None
    with StatusLine(is_shown=not quiet and jsonl != STDOUT) as status:
        job = LiveJob(
            data=[JsonlSink(jsonl, wall_clock=_wall_clock(), made=made)] if jsonl else [],
            images=[RecordingSink(record, made=made)] if record else [],
            window=shown,
            duration_s=duration,
            draw_options=draw_options,
            settings=settings,
            tracker=tracker,
            on_result=status.show,
            on_event=say,
            on_failure=echo_error,
        )
        watched = watch(plan, models, job, stopping=stopping_on_signals)
    if not quiet:
        if jsonl != STDOUT:
            show(session_text(watched.session))
        notes = job.draw_options.notes(models)
        for note in (*watched.status.warnings, *notes, str(watched)):
            echo(note)
    if watched.error:
        echo_error(str(watched.error))
    if watched.error or watched.has_failures:
        raise PartialFailureError


def _wall_clock() -> Callable[[float], float]:
    """Return a function from the monotonic clock of frames to seconds since 1970."""
    offset_s = time.time() - time.monotonic()
    return lambda captured_s: captured_s + offset_s
