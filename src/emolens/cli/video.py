"""`emolens video`: face tracking and classification in a video."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from emolens.cli import options
from emolens.cli.loading import loading
from emolens.cli.terminal import PartialFailureError, echo, echo_error, progress, show
from emolens.core.progress import say_nothing
from emolens.reports.text import one_line

if TYPE_CHECKING:
    from emolens.jobs.videos import VideoOutcome


def video(  # noqa: PLR0913 (one option each)
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Video files, folders of images, or glob patterns of them.", metavar="PATH"
        ),
    ],
    *,
    table: Annotated[
        list[str] | None,
        typer.Option(
            *options.TABLE,
            help="Write one row per face and frame: .csv, .parquet or .jsonl.",
            metavar="FILE",
        ),
    ] = None,
    annotated: Annotated[
        str | None,
        typer.Option(help="Write the video with boxes and labels: .mkv or .mp4.", metavar="FILE"),
    ] = None,
    report: options.SessionPageOption = None,
    summary: options.SummaryOption = None,
    every: Annotated[int, typer.Option(help="Process only every n-th frame.", min=1)] = 1,
    start: Annotated[float | None, typer.Option(help="Start at this second.")] = None,
    end: Annotated[float | None, typer.Option(help="Stop before this second.")] = None,
    rate: options.RateOption = None,
    video_track: options.VideoTrackOption = None,
    detect_hz: options.DetectHzOption = 10.0,
    blur: options.BlurOption = False,
    heatmap: options.HeatmapOption = False,
    tags: options.TagsOption = True,
    style: options.StyleOption = "auto",
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Show a thumbnail of every face in the report.")
    ] = False,
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
    """Track faces in a video and classify their apparent expression.

    Every frame is processed unless --every, --start or --end is given. Damaged frames are
    reported, and the others are processed (exit code 2).

    With several videos, an output is a folder (out/) or a name with {name}, such as
    out/{name}.parquet. A video that fails does not stop the others (exit code 2).

    Ctrl-C stops the analysis and keeps the results so far.
    """
    with loading():
        from emolens.cli.signals import stopping_on_signals
        from emolens.jobs.confidence import chosen_confidence
        from emolens.jobs.drawing import DrawOptions
        from emolens.jobs.video import VideoJob
        from emolens.jobs.videos import analyze_videos, find_videos, refuse_live_sources
        from emolens.media.clip import Clip
        from emolens.media.open_source import plan_source
        from emolens.pipeline.models import Models
        from emolens.pipeline.stream import STREAM_THREADS
        from emolens.pipeline.stream_settings import StreamSettings
        from emolens.reports.videos_text import videos_table

    videos = find_videos(paths)
    refuse_live_sources(videos)
    clip = Clip(start, end, every)
    plan = partial(
        plan_source,
        clip=None if clip == Clip() else clip,
        rate_hz=rate,
        max_pixels=max_megapixels * options.MEGAPIXEL,
        video_track=video_track,
    )
    models = Models(model=model, detector=detector, n_threads=STREAM_THREADS)
    say = say_nothing if quiet else echo
    settings = StreamSettings(
        detect_hz=detect_hz or None,
        classify_hz=detect_hz or None,
        min_confidence=chosen_confidence(models, min_confidence, at_least, on_message=say),
        detector_px=detector_px,
        cuts=cuts,
    )
    job = VideoJob(
        tables=table or (),
        annotated=annotated,
        report=report,
        summary=summary,
        draw_options=DrawOptions(blur=blur, heatmap=heatmap, tags=tags, style=style),
        thumbnails=thumbnails,
        settings=settings,
        tracker=tracker,
    )
    is_single, outcomes = len(videos) == 1, []
    run = partial(analyze_videos, models=models, progress=partial(progress, quiet=quiet))
    for outcome in run(videos, job, plan, stopping=stopping_on_signals):
        outcomes.append(outcome)
        if is_single and outcome.error:
            raise outcome.error
        _report(outcome, quiet=quiet, is_single=is_single)
    if not is_single and not quiet:
        show([videos_table([(one.path, one.session) for one in outcomes])])
        n_failed = sum(bool(one.failures) for one in outcomes)
        n_analysed = sum(one.recorded is not None for one in outcomes)
        echo(f"videos: {len(videos)}, analysed: {n_analysed}, with errors: {n_failed}")
    for note in () if quiet else job.draw_options.notes(models):
        echo(note)
    if any(outcome.failures for outcome in outcomes):
        raise PartialFailureError


def _report(outcome: "VideoOutcome", *, quiet: bool, is_single: bool) -> None:
    """Print the result of one video, with its name if it is one of several."""
    from emolens.reports.session_text import session_text

    name = "" if is_single else f"{one_line(outcome.path)}: "
    if outcome.recorded and not quiet:
        if is_single:
            show(session_text(outcome.recorded.session))
        for warning in outcome.recorded.warnings:
            echo(name + warning)
        echo(f"{name}{outcome.recorded}")
    for failure in outcome.failures:
        echo_error(failure if outcome.path in failure else name + failure)
