"""`emolens video`: follow and name the faces of a video."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.streams import (
    Look,
    StoppedError,
    check_not_source,
    remarks_of,
    show_session,
    speed_of,
    stopping_on_signals,
    try_report,
)
from emolens.cli.terminal import PartialFailureError, progress, say, say_error
from emolens.core.errors import ConfigError, EmolensError, SourceError
from emolens.core.ports import FrameSource, ResultSink
from emolens.detection import DEFAULT_DETECTOR
from emolens.evaluation.session import SessionSummary
from emolens.media.clip import Clip
from emolens.media.open_source import plan_source
from emolens.media.picture_source import DEFAULT_RATE_HZ
from emolens.media.recording import Recording
from emolens.media.table_writer import TableWriter
from emolens.media.video_source import VideoSource
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer, StreamSettings
from emolens.rendering.stream_overlay import StreamOverlay
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
    detect_hz: Annotated[
        float,
        typer.Option(help="Look for faces so often in a second of video; 0 in every frame."),
    ] = 10.0,
    blur: Annotated[
        bool, typer.Option("--blur", help="Make faces in the annotated video unrecognisable.")
    ] = False,
    heatmap: Annotated[
        bool, typer.Option("--heatmap", help="Draw where the evidence in each face lies.")
    ] = False,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Show a small picture of everybody in the report.")
    ] = False,
    model: Annotated[str, typer.Option(help="Model name or .onnx file.")] = "default",
    detector: Annotated[
        str, typer.Option(help="Face detector: centerface, yunet, or the path of YuNet's file.")
    ] = DEFAULT_DETECTOR,
    tracker: Annotated[
        str, typer.Option(help="Tracker: bytetrack, ocsort or cbiou.")
    ] = DEFAULT_TRACKER,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No table, progress or remarks.")
    ] = False,
) -> None:
    """Follow every face of a video and name its apparent expression.

    No frame is left out unless asked for. Damage is reported and the rest goes on (exit code 2);
    what was measured before is kept, also when stopped with Ctrl-C.
    """
    clip = Clip(start, end, every)
    plan = plan_source(path, clip=clip, rate_hz=rate)
    if plan.is_endless:
        raise ConfigError(f"{plan.name} has no end; use: emolens live --source {plan.name}")
    check_not_source(plan.path, *(table or ()), annotated, report)
    settings = StreamSettings(detect_hz=detect_hz or None, classify_hz=detect_hz or None)
    analyzer = StreamAnalyzer.load(
        model=model, detector=detector, tracker=tracker, settings=settings
    )
    layers = Look(model, blur=blur, heatmap=heatmap).layers(analyzer, StreamOverlay())
    summary = SessionSummary(thumbnails=thumbnails)
    failures: list[str] = []
    with plan.open() as source:
        recording = Recording(annotated, sound_from=_sound_of(source)) if annotated else None
        sinks: list[ResultSink] = [summary, *map(TableWriter, table or ())]
        pictures = [recording] if recording else []
        runner = StreamRunner(lambda: source, analyzer.step, is_live=False)
        with Outputs(
            data=sinks, pictures=pictures, layers=layers, on_failure=failures.append
        ) as outputs:
            began_s = time.monotonic()
            with progress("frames", _n_expected(source), quiet=quiet) as done:
                failures += _run(runner, outputs, done)
            wall_s = time.monotonic() - began_s
    session = summary.finish()
    failures += remarks_of(source)
    if not session.n_frames:
        raise SourceError("; ".join([f"{plan.name} has no frames{_range_text(clip)}", *failures]))
    latencies = {**runner.status.latencies, **outputs.latencies}
    if report:
        speed = speed_of(session, wall_s, latencies)
        failures += try_report(report, session, source=plan.name, model=model, speed=speed)
    if not quiet:
        show_session(session)
        for remark in recording.remarks if recording else ():
            say(remark)
        say(
            f"{session.n_frames} frames, {session.duration_s:.1f} s of video in {wall_s:.1f} s "
            f"({session.n_frames / max(wall_s, 1e-9):.0f} frames a second)"
        )
    for failure in failures:
        say_error(failure)
    if failures:
        raise PartialFailureError


def _run(runner: StreamRunner, outputs: Outputs, done: Callable[[int], None]) -> list[str]:
    """Take all results; what ends them early is returned, since what came before is kept."""
    n_frames = 0
    with stopping_on_signals():
        try:
            for result in runner:
                outputs.write(result.frame, result)
                n_frames += 1
                done(n_frames)
                if outputs.is_exhausted:
                    return []
        except StoppedError:
            return [f"stopped after {n_frames} frames; what was measured before is kept"]
        except EmolensError as error:
            return [str(error)]
        finally:
            runner.stop()
    return []


def _sound_of(source: FrameSource) -> Path | None:
    """The file whose sound belongs to a recording, if it has any."""
    return source.path if isinstance(source, VideoSource) and source.facts.has_audio else None


def _n_expected(source: FrameSource) -> int | None:
    """How many frames will come, as far as that can be known, for the progress bar."""
    return getattr(source, "n_expected", None)


def _range_text(clip: Clip) -> str:
    if clip.start_s is None and clip.end_s is None:
        return ""
    until = "the end" if clip.end_s is None else f"{clip.end_s} s"
    return f" between {clip.start_s or 0} s and {until}"
