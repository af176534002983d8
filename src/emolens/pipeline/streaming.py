"""A loop over the results of a camera, a stream, a video or a folder of images."""

import os
from collections.abc import Iterator
from pathlib import Path

from emolens.core.errors import ConfigError
from emolens.core.frame import FrameResult
from emolens.detection import DEFAULT_DETECTOR
from emolens.media.clip import Clip
from emolens.media.open_source import Source, SourcePlan, paced, plan_of_frames, plan_source
from emolens.media.plain_source import Frames
from emolens.pipeline.runner import StreamRunner, StreamStatus
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.tracking import DEFAULT_TRACKER


class Stream:
    """The results of a source, one for every processed frame; made by `emolens.stream`.

    A loop over it opens the source, and leaving the loop closes it. Inside, `result.frame` is the
    frame that the result is about; only one frame is held at a time.
    """

    def __init__(self, plan: SourcePlan, analyzer: StreamAnalyzer, *, is_live: bool) -> None:
        self._plan = paced(plan) if is_live else plan
        self._analyzer = analyzer
        self._is_live = is_live
        self._runner: StreamRunner | None = None

    @property
    def status(self) -> StreamStatus | None:
        """Frames captured, processed and dropped, whether the source is up, latencies.

        None before the first loop.
        """
        return self._runner.status if self._runner else None

    def stop(self) -> None:
        """End the loop, from any thread."""
        if self._runner:
            self._runner.stop()

    def __iter__(self) -> Iterator[FrameResult]:
        """Open the source and give its results.

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
    """Follow and name the faces of a camera, a stream, a video file or a folder of images.

        for result in emolens.stream(0):
            print(result.media_time_s, [str(face) for face in result.faces])

    Args:
        source: Number of a camera, an address (`rtsp://...`, `http://...`), a path, or anything
            that gives frames inside a `with` block, such as `emolens.PushSource`.
        model: Name of an emotion model, or the path of an `.onnx` file.
        detector: Name of a face detector.
        tracker: Name of a tracker.
        settings: How often what is done; None takes defaults for files or live images.
        clip: Which frames of a file or folder are wanted.
        rate_hz: Images per second of a folder; None takes 25.
        video_track: Number of the video track of a file, from 1; None takes the one that shows
            most.
        is_live: Whether frames that come too fast are dropped, and files played at their own speed;
            None does so for cameras and other live sources (`SourceReport.is_live`).

    Returns:
        Something to loop over; nothing is opened before.

    Raises:
        ConfigError: An option is unknown or out of range.
        ModelError: A model is unknown, missing, damaged or altered.
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
            raise ConfigError(f"{name} is for files and folders only, not for {plan.name}")
    return plan
