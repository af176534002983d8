"""Frames of video files, with the time stamps of their container."""

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from emolens.core.frame import Frame
from emolens.core.ports import SourceReport
from emolens.imaging.pyav import VideoStream, av
from emolens.media.clip import Clip
from emolens.media.timeline import MAX_PAUSE_S, Timeline
from emolens.media.upright import Upright
from emolens.media.video_file import (
    is_truncated,
    open_file,
    packets_of,
    reason_of,
    video_facts,
    video_stream,
    video_track,
)
from emolens.media.video_tracks import list_tracks, video_tracks

# If the last frame ends this much before the container's end, frames are missing.
_END_TOLERANCE_S: Final = 0.5
_USUAL_RATE_HZ: Final = 25.0
# Packets of these codecs may contain no visible frame, so packet counts do not give frame indices.
_HIDING_CODECS: Final = frozenset({"vp8"})
_FROM_FIRST_FRAME: Final[tuple[None, int]] = (None, 0)
# Time stamps of these formats have 33 bits.
_WRAPPING_FORMATS: Final = frozenset({"mpegts", "mpeg"})
# B-frames are stored after the frames they refer to, but never by this much.
_MAX_REORDERED_S: Final = 1.0

Pixels = npt.NDArray[np.uint8]


class _CodingOrderClock:
    """A clock that assigns packet time stamps to frames in order.

    It serves containers whose packets have constant intervals but are not in display order.
    """

    def __init__(self) -> None:
        self._ticks: deque[int] = deque()
        self._delay: int | None = None

    def set_times(self, packet: "av.Packet[VideoStream]", frames: Iterable[av.VideoFrame]) -> None:
        """Register a decoded packet and set the time stamps of its frames."""
        if packet.dts is not None:
            self._ticks.append(packet.dts)
        for frame in frames:
            if self._ticks:
                tick = self._ticks.popleft()
                if self._delay is None:
                    self._delay = 0 if frame.pts is None else frame.pts - tick
                frame.pts = tick + self._delay


class VideoSource:
    """The frames of a video file.

    Implements `emolens.core.ports.FrameSource`. The source yields every decodable frame once, in
    display order, upright and with square pixels. `media_time_s` is the container's time (`pts`
    times its time base, not shifted) until the time stamps jump. Time then continues, and
    `clock_offsets_s` holds its difference from the time stamps (see `Timeline`). The times of a
    clip are media times.

    `warnings` contains the warnings so far. Those about damaged or missing frames are also in
    `failures`.

    Args:
        path: The file.
        clip: Selected frames; all by default.
        video_track: Number of the video track, from 1; None selects the largest one.
        clock: Monotonic clock in seconds, for `captured_at_s`.

    Raises:
        SourceError: The file is not a video, or has no video track that can be decoded.
        InputNotFoundError: The file does not exist.
        EmptyFileError: The file has no bytes.
        ConfigError: The file has no video track with this number.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clip: Clip | None = None,
        video_track: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = Path(path)
        self._clip = clip or Clip()
        self._clock = clock
        self.warnings: list[str] = []
        self.failures: list[str] = []
        self._n_damaged = 0
        self._n_hidden = 0
        self._container = open_file(self._path)
        try:
            self._open_track(video_track)
            self.facts = video_facts(self._container, self._stream)
        except BaseException:
            self._container.close()
            raise
        self.report = SourceReport(
            self.n_expected,
            warnings=self.warnings,
            failures=self.failures,
            size_wh=self.facts.size_wh,
            rate_hz=self.facts.rate_hz,
            duration_s=self.facts.duration_s,
        )
        # AVI stores time stamps in coding order only.
        is_avi = self._container.format.name == "avi"
        self._is_in_coding_order = is_avi and self._stream.codec_context.has_b_frames
        self._upright = Upright(self._stream, on_warning=self.warnings.append)
        self._timeline = Timeline(
            1 / (self.facts.rate_hz or _USUAL_RATE_HZ),
            has_wraps=self._container.format.name in _WRAPPING_FORMATS,
            on_warning=self.warnings.append,
        )

    def _open_track(self, number: int | None) -> None:
        track = video_track(self._container, self._path, number)
        self._track_number = track.number
        self._stream = track.stream
        tracks = video_tracks(self._container)
        if number is None and len(tracks) > 1:
            self.warnings.append(
                f"using video track {track.number} of {len(tracks)}; available: "
                f"{list_tracks(tracks)}. Choose another with video_track (--video-track)."
            )

    def interrupt(self) -> None:
        """Do nothing: reads from files do not block."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Closing it again has no effect."""
        self._container.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def n_expected(self) -> int | None:
        """The number of selected frames according to the container, or None if unknown."""
        n_frames, duration_s = self.facts.n_frames, self.facts.duration_s
        if n_frames is None and duration_s and self.facts.rate_hz:
            n_frames = round(duration_s * self.facts.rate_hz)
        if n_frames is None:
            return None
        share = 1.0
        if duration_s:
            first_s, last_s = self.facts.begin_s, self.facts.begin_s + duration_s
            from_s = first_s if self._clip.start_s is None else max(first_s, self._clip.start_s)
            to_s = last_s if self._clip.end_s is None else min(last_s, self._clip.end_s)
            share = max(0.0, to_s - from_s) / duration_s
        return max(1, round(n_frames * share / self._clip.every))

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the container, such as its title."""
        return dict(self._container.metadata)

    @property
    def n_damaged(self) -> int:
        """The number of undecodable packets and damaged frames so far."""
        return self._n_damaged

    def __iter__(self) -> Iterator[Frame]:
        key_pts, first_index = self._find_start() if self._clip.start_s else _FROM_FIRST_FRAME
        n_decoded = 0
        for index, decoded in enumerate(self._decode(key_pts), start=first_index):
            n_decoded += 1
            at_s = self._timeline.place(_stamp_of(decoded))
            if self._clip.is_behind(at_s):
                self._report_damage()
                return
            if self._clip.is_before(at_s) or index % self._clip.every:
                continue
            image = self._try_to_convert(decoded)
            if image is not None:
                yield Frame(
                    image,
                    index=index,
                    media_time_s=at_s,
                    captured_at_s=self._clock(),
                    source_id=str(self._path),
                    clock_offsets_s=self._timeline.offsets_s,
                )
        self._report_missing(first_index + n_decoded)

    def _try_to_convert(self, decoded: av.VideoFrame) -> Pixels | None:
        try:
            return self._upright.to_bgr(decoded)
        except (av.FFmpegError, ValueError):
            self._n_damaged += 1
            return None

    def _decode(self, key_pts: int | None) -> Iterator[av.VideoFrame]:
        """Decode from a key frame on, and skip damaged packets."""
        is_waiting = is_leading = key_pts is not None
        clock = _CodingOrderClock() if self._is_in_coding_order else None
        for packet in self._packets():
            if is_waiting and packet.pts != key_pts:
                continue
            is_waiting = False
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self._n_damaged += 1
                continue
            if clock:
                clock.set_times(packet, frames)
            for frame in frames:
                # Frames displayed before the key frame refer to skipped frames.
                if is_leading and _is_before(frame.pts, key_pts):
                    continue
                is_leading = False
                if isinstance(frame, av.VideoFrame):
                    self._n_damaged += frame.is_corrupt
                    yield frame

    def _packets(self) -> "Iterator[av.Packet[VideoStream]]":
        packets = packets_of(self._container, self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                self._add_failure(f"the file ends unexpectedly: {reason_of(error)}")
                return
            if packet is None:
                return
            self._n_hidden += packet.is_discard
            yield packet

    def _find_start(self) -> tuple[int | None, int]:
        """Find the last key frame before the start of the clip.

        The packets are counted without decoding, because their number gives the frame index.
        Seeking is inexact in some containers. If packets do not give reliable frame indices,
        decoding starts at the first frame.

        Returns:
            The time stamp of the key frame, or None for the first frame, and its frame index.
        """
        codec = self._stream.codec_context.codec.canonical_name
        if self._is_in_coding_order or codec in _HIDING_CODECS:
            return _FROM_FIRST_FRAME
        earlier_pts: list[int] = []
        key_pts: int | None = None
        last_dts: int | None = None
        latest_s: float | None = None
        for packet in self._packets_before_decoding():
            has_key_frame = packet.is_keyframe or key_pts is not None
            is_in_order = last_dts is None or packet.dts is None or packet.dts >= last_dts
            if packet.pts is None or not packet.time_base:
                return _FROM_FIRST_FRAME
            at_s = float(packet.pts * packet.time_base)
            latest_s = at_s if latest_s is None else latest_s
            is_continuous = -_MAX_REORDERED_S <= at_s - latest_s <= MAX_PAUSE_S
            if not (has_key_frame and is_in_order and is_continuous):
                return _FROM_FIRST_FRAME
            latest_s = max(latest_s, at_s)
            if packet.is_keyframe and not self._clip.is_before(at_s) and earlier_pts:
                break
            earlier_pts.append(packet.pts)
            last_dts = packet.dts
            if packet.is_keyframe:
                key_pts = packet.pts
        return key_pts, sum(pts < key_pts for pts in earlier_pts) if key_pts is not None else 0

    def _packets_before_decoding(self) -> "Iterator[av.Packet[VideoStream]]":
        """Yield the packets of all visible frames, up to the end or the first error."""
        with (
            open_file(self._path) as container,
            contextlib.suppress(av.FFmpegError, OSError),
        ):
            stream = video_stream(container, self._path, self._track_number)
            for packet in packets_of(container, stream):
                if packet.size and not packet.is_discard:
                    yield packet

    def _add_failure(self, warning: str) -> None:
        self.warnings.append(warning)
        self.failures.append(warning)

    def _report_damage(self) -> None:
        self._timeline.end()
        if self._n_damaged:
            plural = "s" if self._n_damaged > 1 else ""
            self._add_failure(f"skipped {self._n_damaged} damaged frame{plural} or packet{plural}")

    def _report_missing(self, n_frames: int) -> None:
        self._report_damage()
        expected, duration_s = self.facts.n_frames, self.facts.duration_s
        step_s = 1 / (self.facts.rate_hz or _USUAL_RATE_HZ)
        read_s = (self._timeline.last_s or 0.0) - self.facts.begin_s + step_s
        # If time stamps jump, their difference does not give the duration.
        is_continuous = len(self._timeline.offsets_s) == 1
        # The container also counts frames that an edit list hides.
        if expected is not None and n_frames < expected - self._n_hidden:
            extent = f"contains {n_frames} of {expected - self._n_hidden} frames"
        elif (
            expected is None
            and duration_s
            and is_continuous
            and read_s < duration_s - max(_END_TOLERANCE_S, 2 * step_s)
        ):
            extent = f"contains {read_s:.1f} of {duration_s:.1f} s"
        elif self._path.is_file() and is_truncated(self._path, self._container):
            extent = f"ends within a fragment after {n_frames} frames"
        else:
            return
        self._add_failure(f"the file {extent} and may be truncated")


def _stamp_of(decoded: av.VideoFrame) -> float | None:
    if decoded.pts is None or not decoded.time_base:
        return None
    return float(decoded.pts * decoded.time_base)


def _is_before(pts: int | None, key_pts: int | None) -> bool:
    return pts is not None and key_pts is not None and pts < key_pts
