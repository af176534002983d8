"""`emolens video`: follow and name the faces of a video."""

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.signals import stopping_on_signals
from emolens.cli.terminal import PartialFailureError, progress, say, say_error, show
from emolens.core.errors import ConfigError
from emolens.detection import DEFAULT_DETECTOR
from emolens.jobs.streams import Look
from emolens.jobs.video import VideoJob, analyze_video
from emolens.media.addresses import without_secrets
from emolens.media.clip import Clip
from emolens.media.image_source import DEFAULT_RATE_HZ
from emolens.media.open_source import plan_source
from emolens.pipeline.models import Models
from emolens.pipeline.stream import STREAM_THREADS
from emolens.pipeline.stream_settings import StreamSettings
from emolens.reports.session_text import session_text
from emolens.tracking import DEFAULT_TRACKER


def video(  # noqa: PLR0913 (one option each)
    path: Annotated[
        str, typer.Argument(help="A video file, or a folder of images.", metavar="PATH")
    ],
    *,
    table: Annotated[
        list[Path] | None,
        typer.Option(help="Write a row per face and frame: .csv, .parquet or .jsonl."),
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="Write the video with boxes and labels: .mkv or .mp4.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page with time lines: .html.")
    ] = None,
    every: Annotated[int, typer.Option(help="Only every n-th frame.", min=1)] = 1,
    start: Annotated[float | None, typer.Option(help="Begin at this second.")] = None,
    end: Annotated[float | None, typer.Option(help="End before this second.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Images a second of a folder.",
            metavar="HZ",
            show_default=f"{DEFAULT_RATE_HZ:g}",
        ),
    ] = None,
    video_track: options.VideoTrackOption = None,
    detect_hz: Annotated[
        float,
        typer.Option(help="Look for faces so often in a second of video; 0 in every frame."),
    ] = 10.0,
    blur: options.BlurOption = False,
    heatmap: options.HeatmapOption = False,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Show a small image of every face in the report.")
    ] = False,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MAX_MEGAPIXELS,
    tracker: options.TrackerOption = DEFAULT_TRACKER,
    quiet: options.QuietOption = False,
) -> None:
    """Follow every face of a video and name its apparent expression.

    No frame is left out unless asked for. Damage is reported and the rest goes on (exit code 2).

    What was measured before is kept, also when stopped with Ctrl-C.
    """
    if plan_source(path).is_endless:
        shown = shlex.quote(without_secrets(path))
        raise ConfigError(f"{shown} has no end; use: emolens live --source {shown}")
    clip = Clip(start, end, every)
    plan = plan_source(
        path,
        clip=None if clip == Clip() else clip,
        rate_hz=rate,
        max_pixels=max_megapixels * options.MEGAPIXEL,
        video_track=video_track,
    )
    settings = StreamSettings(
        # A face that is only looked for now and then would be shown until it is found.
        detect_hz=None if blur else detect_hz or None,
        classify_hz=detect_hz or None,
        detector_px=detector_px,
    )
    job = VideoJob(
        tables=table or (),
        annotated=annotated,
        report=report,
        look=Look(blur=blur, heatmap=heatmap),
        thumbnails=thumbnails,
        settings=settings,
        tracker=tracker,
    )
    recorded = analyze_video(
        plan,
        job,
        models=Models(model=model, detector=detector, n_threads=STREAM_THREADS),
        progress=partial(progress, quiet=quiet),
        stopping=stopping_on_signals,
    )
    if not quiet:
        show(session_text(recorded.session))
        for warning in recorded.warnings:
            say(warning)
        say(str(recorded))
    for failure in recorded.failures:
        say_error(failure)
    if recorded.failures:
        raise PartialFailureError
