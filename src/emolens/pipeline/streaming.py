"""Iteration over the results of a camera, a stream, a video or a folder of images."""

import os
from collections.abc import Iterator
from pathlib import Path

from emolens.contract import Provenance
from emolens.core.errors import ConfigError
from emolens.core.frame import FrameResult
from emolens.detection import DEFAULT_DETECTOR
from emolens.media.clip import Clip
from emolens.media.input_record import input_record
from emolens.media.open_source import Source, SourcePlan, paced, plan_of_frames, plan_source
from emolens.media.plain_source import Frames
from emolens.pipeline.runner import StreamRunner, StreamStatus
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.tracking import DEFAULT_TRACKER


class Stream:
    """An iterable over the results of a source, created by `emolens.stream`.

    It yields one result per processed frame. Starting the loop opens the source, and leaving the
    loop closes it. Inside the loop, `result.frame` is the frame of the result. Only one frame is
    kept in memory.
    """

    def __init__(self, plan: SourcePlan, analyzer: StreamAnalyzer, *, is_live: bool) -> None:
        self._plan = paced(plan) if is_live else plan
        self._analyzer = analyzer
        self._is_live = is_live
        self._runner: StreamRunner | None = None

    @property
    def status(self) -> StreamStatus | None:
        """Frame counts, state of the source and latencies; None before the first loop."""
        return self._runner.status if self._runner else None

    @property
    def provenance(self) -> Provenance:
        """The record of how results are made now."""
        return self._analyzer.provenance.model_copy(update={"input": input_record(self._plan)})

    def stop(self) -> None:
        """End the loop. This method is thread-safe."""
        if self._runner:
            self._runner.stop()

    def __iter__(self) -> Iterator[FrameResult]:
        """Open the source and yield its results.

        Raises:
            SourceError: The source cannot be opened or read.
        """
        self.stop()
        self._analyzer.restart()
        if self._is_live:
            self._analyzer.warm_up()
        self._runner = StreamRunner(
            self._plan.open,
            self._analyzer.step,
            is_live=self._is_live,
            is_endless=self._plan.is_endless,
        )
        return iter(self._runner)


def stream(  # noqa: PLR0913 (one option each)
    source: Source | Frames,
    *,
    model: str | Path = "default",
    detector: str = DEFAULT_DETECTOR,
    tracker: str = DEFAULT_TRACKER,
    settings: StreamSettings | None = None,
    clip: Clip | None = None,
    rate_hz: float | None = None,
    video_track: int | None = None,
    is_live: bool | None = None,
) -> Stream:
    """Track faces and classify their apparent expression, frame by frame.

        for result in emolens.stream(0):
            print(result.media_time_s, [str(face) for face in result.faces])

    Args:
        source: A camera number, an address (`rtsp://...`, `http://...`), a video file, a folder of
            images, or a context manager that yields frames, such as `emolens.PushSource`.
        model: Name of an emotion model, or path of an `.onnx` file.
        detector: Name of a face detector.
        tracker: Name of a tracker.
        settings: Rates and limits of the stages; None uses the defaults for files or live sources.
        clip: Selected frames of a file or folder.
        rate_hz: Images per second of a folder; None means 25.
        video_track: Number of the video track of a file, from 1; None selects the largest one.
        is_live: Whether to drop frames that arrive too fast, and to play files in real time. None
            does so for cameras and other live sources (`SourceReport.is_live`).

    Returns:
        An iterable over the results. The source is opened when the loop starts.

    Raises:
        ConfigError: An option is unknown or out of range.
        ModelError: A model is unknown, missing, damaged or modified.
    """
    plan = _plan(source, clip, rate_hz, video_track)
    live = plan.is_endless or plan.is_live if is_live is None else is_live
    analyzer = StreamAnalyzer.load(
        model=model,
        detector=detector,
        tracker=tracker,
        settings=settings or (StreamSettings.for_live() if live else StreamSettings()),
    )
    return Stream(plan, analyzer, is_live=live)


def _plan(
    source: Source | Frames, clip: Clip | None, rate_hz: float | None, video_track: int | None
) -> SourcePlan:
    if isinstance(source, int | str | os.PathLike):
        return plan_source(source, clip=clip, rate_hz=rate_hz, video_track=video_track)
    plan = plan_of_frames(source)
    for name, value in (("clip", clip), ("rate_hz", rate_hz), ("video_track", video_track)):
        if value is not None:
            raise ConfigError(f"{name} applies to files and folders only, not to {plan.name}")
    return plan
