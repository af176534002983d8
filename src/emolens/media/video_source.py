"""Video files, frame by frame, with the time stamps of their container."""

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
    ends_too_early,
    open_file,
    packets_of,
    reason_of,
    video_facts,
    video_stream,
    video_track,
)
from emolens.media.video_tracks import list_tracks, video_tracks

# A frame this much earlier than the container's end means that something is missing.
_END_TOLERANCE_S: Final = 0.5
_USUAL_RATE_HZ: Final = 25.0
# They have packets without a frame, so that packets do not tell the numbers of frames.
_HIDING_CODECS: Final = frozenset({"vp8"})
_NOTHING_BEFORE: Final[tuple[None, int]] = (None, 0)
# Time stamps of these have 33 bits.
_WRAPPING_FORMATS: Final = frozenset({"mpegts", "mpeg"})
# Frames that refer to later ones are stored behind them, but not by so much.
_MAX_REORDERED_S: Final = 1.0

Pixels = npt.NDArray[np.uint8]


class _CodingOrderClock:
    """Gives frames the time stamps of the packets in the order of both.

    For containers whose packets come at a steady pace but not in the order shown.
    """

    def __init__(self) -> None:
        self._ticks: deque[int] = deque()
        self._delay: int | None = None

    def set_times(self, packet: "av.Packet[VideoStream]", frames: Iterable[av.VideoFrame]) -> None:
        """Note a packet that was decoded and set the time stamps of what came out."""
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

    Implements `emolens.core.ports.FrameSource`. Every decodable frame comes once, in the order
    shown, with square pixels and turned upright as the file says. `media_time_s` is that of the
    container (`pts` times its time base, not shifted) as long as its time stamps go on; where they
    jump, time goes on and `clock_offsets_s` says by how much it is ahead of them (see `Timeline`).
    The times of a clip are those of the frames, too.

    `warnings` holds what a user should know, once it was met. What of it means that something is
    damaged or missing is in `failures`, too.

    Args:
        path: The file.
        clip: Which of its frames are wanted; all of them unless given.
        video_track: Number of the video track, from 1; None takes the one that shows most.
        clock: Gives seconds on a monotonic clock, for `captured_at_s`.

    Raises:
        SourceError: The file is no video, or has no image in it; its message says which.
        InputNotFoundError: There is no such file.
        EmptyFileError: The file has no bytes.
        ConfigError: The file has no video track of this number.
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
        self.report = SourceReport(self.n_expected, warnings=self.warnings, failures=self.failures)
        # AVI has time stamps for the order of coding only.
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
                f"of its {len(tracks)} video tracks number {track.number} is read; they are "
                f"{list_tracks(tracks)}; choose another one with --video-track"
            )

    def interrupt(self) -> None:
        """Nobody waits for a file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; twice is no error."""
        self._container.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def n_expected(self) -> int | None:
        """How many frames will come if the container is right; None where it says nothing."""
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
    def n_damaged(self) -> int:
        """Packets that could not be decoded and frames that the decoder calls damaged, so far."""
        return self._n_damaged

    def __iter__(self) -> Iterator[Frame]:
        key_pts, first_index = self._find_start() if self._clip.start_s else _NOTHING_BEFORE
        n_decoded = 0
        for index, decoded in enumerate(self._decode(key_pts), start=first_index):
            n_decoded += 1
            at_s = self._timeline.place(_stamp_of(decoded))
            if self._clip.is_behind(at_s):
                self._note_damage()
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
        self._note_missing(first_index + n_decoded)

    def _try_to_convert(self, decoded: av.VideoFrame) -> Pixels | None:
        try:
            return self._upright.to_bgr(decoded)
        except (av.FFmpegError, ValueError):
            self._n_damaged += 1
            return None

    def _decode(self, key_pts: int | None) -> Iterator[av.VideoFrame]:
        """Decode what can be decoded, from a key frame on; a damaged packet is passed over."""
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
                # Frames that stand before the key frame refer to ones that were passed over.
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
                self._note_failure(f"the file breaks off: {reason_of(error)}")
                return
            if packet is None:
                return
            self._n_hidden += packet.is_discard
            yield packet

    def _find_start(self) -> tuple[int | None, int]:
        """The time stamp of the last key frame before the start, and the number of its frame.

        Packets are counted, not decoded, since only their number tells that of a frame. Seeking is
        no help: in some containers it ends up anywhere near. Where packets do not tell the numbers
        of frames for sure, all of them have to be decoded.
        """
        codec = self._stream.codec_context.codec.canonical_name
        if self._is_in_coding_order or codec in _HIDING_CODECS:
            return _NOTHING_BEFORE
        shown: list[int] = []
        key_pts: int | None = None
        last_dts: int | None = None
        latest_s: float | None = None
        for packet in self._packets_before_decoding():
            has_key_frame = packet.is_keyframe or key_pts is not None
            is_in_order = last_dts is None or packet.dts is None or packet.dts >= last_dts
            if packet.pts is None or not packet.time_base:
                return _NOTHING_BEFORE
            at_s = float(packet.pts * packet.time_base)
            latest_s = at_s if latest_s is None else latest_s
            goes_on = -_MAX_REORDERED_S <= at_s - latest_s <= MAX_PAUSE_S
            if not (has_key_frame and is_in_order and goes_on):
                return _NOTHING_BEFORE
            latest_s = max(latest_s, at_s)
            if packet.is_keyframe and not self._clip.is_before(at_s) and shown:
                break
            shown.append(packet.pts)
            last_dts = packet.dts
            if packet.is_keyframe:
                key_pts = packet.pts
        return key_pts, sum(pts < key_pts for pts in shown) if key_pts is not None else 0

    def _packets_before_decoding(self) -> "Iterator[av.Packet[VideoStream]]":
        """The packets of all frames that will be shown, as far as the file goes."""
        with (
            open_file(self._path) as container,
            contextlib.suppress(av.FFmpegError, OSError),
        ):
            stream = video_stream(container, self._path, self._track_number)
            for packet in packets_of(container, stream):
                if packet.size and not packet.is_discard:
                    yield packet

    def _note_failure(self, warning: str) -> None:
        self.warnings.append(warning)
        self.failures.append(warning)

    def _note_damage(self) -> None:
        self._timeline.end()
        if self._n_damaged:
            plural = "s" if self._n_damaged > 1 else ""
            self._note_failure(f"{self._n_damaged} damaged frame{plural} or packet{plural}")

    def _note_missing(self, n_frames: int) -> None:
        self._note_damage()
        expected, duration_s = self.facts.n_frames, self.facts.duration_s
        step_s = 1 / (self.facts.rate_hz or _USUAL_RATE_HZ)
        given_s = (self._timeline.last_s or 0.0) - self.facts.begin_s + step_s
        # Where time stamps jump, their difference says nothing about the length.
        goes_on = len(self._timeline.offsets_s) == 1
        # Those that an edit list cuts away are counted too.
        if expected is not None and n_frames < expected - self._n_hidden:
            missing = f"{n_frames} of the {expected - self._n_hidden} frames that it promises"
        elif (
            expected is None
            and duration_s
            and goes_on
            and given_s < duration_s - max(_END_TOLERANCE_S, 2 * step_s)
        ):
            missing = f"{given_s:.1f} of the {duration_s:.1f} s that it promises"
        elif self._path.is_file() and ends_too_early(self._path, self._container):
            missing = f"{n_frames} frames, and its last piece is not whole"
        else:
            return
        self._note_failure(f"the file has {missing}; is it cut off?")


def _stamp_of(decoded: av.VideoFrame) -> float | None:
    if decoded.pts is None or not decoded.time_base:
        return None
    return float(decoded.pts * decoded.time_base)


def _is_before(pts: int | None, key_pts: int | None) -> bool:
    return pts is not None and key_pts is not None and pts < key_pts
