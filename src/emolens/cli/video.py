"""`emolens video`: face tracking and classification in a video."""

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.signals import stopping_on_signals
from emolens.cli.terminal import PartialFailureError, echo, echo_error, progress, show
from emolens.core.errors import ConfigError
from emolens.detection import DEFAULT_DETECTOR
from emolens.jobs.streams import DrawOptions
from emolens.jobs.video import VideoJob, analyze_video
from emolens.media.addresses import without_secrets
from emolens.media.clip import Clip
from emolens.media.image_source import DEFAULT_RATE_HZ
from emolens.media.open_source import plan_source
from emolens.media.recording_sink import RECORDING_SUFFIXES
from emolens.pipeline.models import Models
from emolens.pipeline.stream import STREAM_THREADS
from emolens.pipeline.stream_settings import StreamSettings
from emolens.reports.session_text import session_text
from emolens.storage.names import PAGE_SUFFIXES
from emolens.tracking import DEFAULT_TRACKER


def video(  # noqa: PLR0913 (one option each)
    path: Annotated[str, typer.Argument(help="Video file, or folder of images.", metavar="PATH")],
    *,
    table: Annotated[
        list[Path] | None,
        typer.Option(help="Write one row per face and frame: .csv, .parquet or .jsonl."),
    ] = None,
    annotated: Annotated[
        Path | None,
        typer.Option(
            help="Write the video with boxes and labels: .mkv or .mp4.",
            callback=options.file_named(RECORDING_SUFFIXES),
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a report with time lines: .html.",
            callback=options.file_named(PAGE_SUFFIXES),
        ),
    ] = None,
    every: Annotated[int, typer.Option(help="Process only every n-th frame.", min=1)] = 1,
    start: Annotated[float | None, typer.Option(help="Start at this second.")] = None,
    end: Annotated[float | None, typer.Option(help="Stop before this second.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Frame rate of a folder of images, in images per second.",
            metavar="HZ",
            show_default=f"{DEFAULT_RATE_HZ:g}",
        ),
    ] = None,
    video_track: options.VideoTrackOption = None,
    detect_hz: Annotated[
        float,
        typer.Option(help="Detections per second of video; 0 detects faces in every frame."),
    ] = 10.0,
    blur: options.BlurOption = False,
    heatmap: options.HeatmapOption = False,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Show a thumbnail of every face in the report.")
    ] = False,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MAX_MEGAPIXELS,
    tracker: options.TrackerOption = DEFAULT_TRACKER,
    cuts: options.CutsOption = True,
    quiet: options.QuietOption = False,
) -> None:
    """Track faces in a video and classify their apparent expression.

    Every frame is processed unless --every, --start or --end is given. Damaged frames are
    reported, and the others are processed (exit code 2).

    Ctrl-C stops the analysis and keeps the results so far.
    """
    if plan_source(path).is_endless:
        shown = shlex.quote(without_secrets(path))
        raise ConfigError(f"{shown} is a live source; use: emolens live --source {shown}")
    clip = Clip(start, end, every)
    plan = plan_source(
        path,
        clip=None if clip == Clip() else clip,
        rate_hz=rate,
        max_pixels=max_megapixels * options.MEGAPIXEL,
        video_track=video_track,
    )
    settings = StreamSettings(
        # Without a detection in every frame, a new face would be shown unblurred.
        detect_hz=None if blur else detect_hz or None,
        classify_hz=detect_hz or None,
        detector_px=detector_px,
        cuts=cuts,
    )
    job = VideoJob(
        tables=table or (),
        annotated=annotated,
        report=report,
        draw_options=DrawOptions(blur=blur, heatmap=heatmap),
        thumbnails=thumbnails,
        settings=settings,
        tracker=tracker,
    )
    models = Models(model=model, detector=detector, n_threads=STREAM_THREADS)
    recorded = analyze_video(
        plan,
        job,
        models=models,
        progress=partial(progress, quiet=quiet),
        stopping=stopping_on_signals,
    )
    if not quiet:
        show(session_text(recorded.session))
        for note in (*recorded.warnings, *job.draw_options.notes(models), str(recorded)):
            echo(note)
    for failure in recorded.failures:
        echo_error(failure)
    if recorded.failures:
        raise PartialFailureError
