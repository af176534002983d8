"""`emolens video`: follow and name the faces of a video."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

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
    run_recorded,
    show_session,
    try_report,
)
from emolens.cli.terminal import PartialFailureError, say, say_error
from emolens.core.errors import ConfigError, SourceError
from emolens.core.ports import FrameSource
from emolens.detection import DEFAULT_DETECTOR
from emolens.media.addresses import without_secrets
from emolens.media.clip import Clip
from emolens.media.open_source import SourcePlan, plan_source
from emolens.media.picture_source import DEFAULT_RATE_HZ
from emolens.media.recording import Recording
from emolens.media.table_writer import TableWriter
from emolens.media.video_source import VideoSource
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.sessions.session import MAX_HOLD_S, SessionSummary
from emolens.tracking import DEFAULT_TRACKER


def video(  # noqa: PLR0913 (one option each)
    path: Annotated[
        str, typer.Argument(help="A video file, or a folder of pictures.", metavar="PATH")
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
        float, typer.Option(help="Pictures a second of a folder.", metavar="HZ")
    ] = DEFAULT_RATE_HZ,
    video_track: VideoTrackOption = None,
    detect_hz: Annotated[
        float,
        typer.Option(help="Look for faces so often in a second of video; 0 in every frame."),
    ] = 10.0,
    blur: BlurOption = False,
    heatmap: HeatmapOption = False,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Show a small picture of everybody in the report.")
    ] = False,
    model: ModelOption = "default",
    detector: DetectorOption = DEFAULT_DETECTOR,
    detector_px: DetectorPxOption = None,
    max_megapixels: MaxMegapixelsOption = DEFAULT_MAX_MEGAPIXELS,
    tracker: TrackerOption = DEFAULT_TRACKER,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No table, progress or remarks.")
    ] = False,
) -> None:
    """Follow every face of a video and name its apparent expression.

    No frame is left out unless asked for. Damage is reported and the rest goes on (exit code 2).

    What was measured before is kept, also when stopped with Ctrl-C.
    """
    clip = Clip(start, end, every)
    plan = plan_source(
        path,
        clip=clip,
        rate_hz=rate,
        max_pixels=max_megapixels * MEGAPIXEL,
        video_track=video_track,
    )
    if plan.is_endless:
        shown = shlex.quote(without_secrets(path))
        raise ConfigError(f"{plan.name} has no end; use: emolens live --source {shown}")
    check_not_source(plan.path, *(table or ()), annotated, report)
    settings = StreamSettings(
        # A face that is only looked for now and then would be shown until it is found.
        detect_hz=None if blur else detect_hz or None,
        classify_hz=detect_hz or None,
        detector_px=detector_px,
    )
    analyzer = StreamAnalyzer.load(
        model=model, detector=detector, tracker=tracker, settings=settings
    )
    layers = Look(model, blur=blur, heatmap=heatmap).layers(analyzer, StreamOverlay())
    summary = SessionSummary(thumbnails=thumbnails, max_hold_s=_hold_s(plan, rate, every))
    with plan.open() as source:
        recording = Recording(annotated, sound_from=_sound_of(source)) if annotated else None
        outputs = Outputs(
            data=[summary, *map(TableWriter, table or ())],
            pictures=[recording] if recording else [],
            layers=layers,
        )
        recorded = run_recorded(source, analyzer, outputs, summary, quiet=quiet)
    failures = recorded.failures
    if not recorded.session.n_frames:
        raise SourceError("; ".join([f"{plan.name} has no frames{_range_text(clip)}", *failures]))
    if report:
        failures += try_report(report, recorded, source=plan.name, model=model)
    if not quiet:
        show_session(recorded.session)
        for remark in (*recorded.remarks, *(recording.remarks if recording else ())):
            say(remark)
        say(str(recorded))
    for failure in failures:
        say_error(failure)
    if failures:
        raise PartialFailureError


def _sound_of(source: FrameSource) -> Path | None:
    """The file whose sound belongs to a recording, if it has any."""
    return source.path if isinstance(source, VideoSource) and source.facts.has_audio else None


def _hold_s(plan: SourcePlan, rate_hz: float, every: int) -> float:
    """How long a picture of a slow sequence stands for itself, in seconds."""
    is_folder = plan.path is not None and plan.path.is_dir()
    return max(MAX_HOLD_S, every / rate_hz if is_folder else MAX_HOLD_S)


def _range_text(clip: Clip) -> str:
    if clip.start_s is None and clip.end_s is None:
        return ""
    until = "the end" if clip.end_s is None else f"{clip.end_s} s"
    return f" between {clip.start_s or 0} s and {until}"
