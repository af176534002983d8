"""Video files, frame by frame, with the time stamps of their container."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from emolens.core.errors import EmptyFileError, InputNotFoundError, SourceError
from emolens.core.frame import Frame
from emolens.media.clip import Clip
from emolens.media.pictures import PICTURE_SUFFIXES
from emolens.media.pyav import av

# Formats that read other files or devices than the one given, or that are no video: playlists,
# scripts, single pictures, text.
_REFUSED_FORMATS: Final = frozenset(
    {
        "hls",
        "dash",
        "concat",
        "concatf",
        "ffmetadata",
        "image2",
        "image2pipe",
        "imf",
        "sdp",
        "rtsp",
        "rtp",
        "lavfi",
        "tty",
        "webm_dash_manifest",
        "mov_playlist",
    }
)
# Nothing but the file itself may be opened, whatever the file says.
_FILE_OPTIONS: Final = {"protocol_whitelist": "file"}
# A frame this much earlier than the container's end means that something is missing.
_END_TOLERANCE_S: Final = 0.5
_MAX_PIXELS: Final = 8192 * 8192
_USUAL_RATE_HZ: Final = 25.0


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a container says about its video before anything is decoded.

    Attributes:
        size_wh: (width, height) in pixels as shown, after rotation by quarter turns.
        rate_hz: Average frames per second, or None if unknown.
        n_frames: Frames according to the container, or None where it does not say.
        duration_s: Seconds, or None where it does not say.
        has_audio: Whether there is sound.
    """

    size_wh: tuple[int, int]
    rate_hz: float | None
    n_frames: int | None
    duration_s: float | None
    has_audio: bool


class VideoSource:
    """The frames of a video file.

    Implements `emolens.core.ports.FrameSource`. Every decodable frame comes once, in the order
    shown, with `media_time_s` from the container (`pts` times its time base, not shifted), turned
    upright as the file says. What could not be decoded is told in `remarks` once it was met.

    Args:
        path: The file.
        clip: Which of its frames are wanted; all of them unless given.
        clock: Gives seconds on a monotonic clock, for `captured_at_s`.

    Raises:
        SourceError: The file is no video, or has no picture in it; its message says which.
        InputNotFoundError: There is no such file.
        EmptyFileError: The file has no bytes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clip: Clip | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = Path(path)
        self._clip = clip or Clip()
        self._clock = clock
        self.remarks: list[str] = []
        self._n_damaged = 0
        self._container = _open_file(self._path)
        try:
            self._stream = _video_stream(self._container, str(self._path))
            self.facts = _facts(self._container, self._stream)
        except BaseException:
            self._container.close()
            raise

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
            start_s = min(self._clip.start_s or 0.0, duration_s)
            share = (min(self._clip.end_s or duration_s, duration_s) - start_s) / duration_s
        return max(1, round(n_frames * share / self._clip.every))

    @property
    def n_damaged(self) -> int:
        """Packets that could not be decoded and frames that the decoder calls damaged, so far."""
        return self._n_damaged

    def __iter__(self) -> Iterator[Frame]:
        key_pts, first_index = self._find_start() if self._clip.start_s else (None, 0)
        last_s: float | None = None
        n_decoded = 0
        for index, decoded in enumerate(self._decode(key_pts), start=first_index):
            n_decoded += 1
            at_s = self._time_of(decoded, last_s)
            last_s = at_s
            if self._clip.is_behind(at_s):
                self._note_damage()
                return
            if not self._clip.is_before(at_s) and index % self._clip.every == 0:
                yield Frame(
                    to_upright_bgr(decoded),
                    index=index,
                    media_time_s=at_s,
                    captured_at_s=self._clock(),
                    source_id=str(self._path),
                )
        self._note_missing(first_index + n_decoded, last_s)

    def _decode(self, key_pts: int | None) -> Iterator[av.VideoFrame]:
        """Decode what can be decoded, from a key frame on; a damaged packet is passed over."""
        is_waiting = key_pts is not None
        for packet in self._packets():
            if is_waiting and packet.pts != key_pts:
                continue
            is_waiting = False
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self._n_damaged += 1
                continue
            for frame in frames:
                # Frames that stand before the key frame refer to ones that were passed over.
                if key_pts is not None and frame.pts is not None and frame.pts < key_pts:
                    continue
                if isinstance(frame, av.VideoFrame):
                    self._n_damaged += frame.is_corrupt
                    yield frame

    def _packets(self) -> "Iterator[av.Packet[VideoStream]]":
        packets = iter(self._container.demux(self._stream))
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                self.remarks.append(f"the file breaks off: {_reason(error)}")
                return
            if packet is None:
                return
            yield packet

    def _time_of(self, decoded: av.VideoFrame, last_s: float | None) -> float:
        if decoded.pts is not None and decoded.time_base:
            return float(decoded.pts * decoded.time_base)
        step_s = 1 / (self.facts.rate_hz or _USUAL_RATE_HZ)
        return 0.0 if last_s is None else last_s + step_s

    def _find_start(self) -> tuple[int | None, int]:
        """The time stamp of the last key frame before the start, and the number of its frame.

        Packets are counted, not decoded, since only their number tells that of a frame. Seeking is
        no help: in some containers it ends up anywhere near.
        """
        shown: list[int] = []
        key_pts: int | None = None
        with _open_file(self._path) as container:
            for packet in container.demux(_video_stream(container, str(self._path))):
                if packet.pts is None or packet.time_base is None:
                    continue
                at_s = float(packet.pts * packet.time_base)
                if packet.is_keyframe and not self._clip.is_before(at_s) and shown:
                    break
                shown.append(packet.pts)
                if packet.is_keyframe:
                    key_pts = packet.pts
        return key_pts, sum(pts < key_pts for pts in shown) if key_pts is not None else 0

    def _note_damage(self) -> None:
        if self._n_damaged:
            plural = "s" if self._n_damaged > 1 else ""
            self.remarks.append(f"{self._n_damaged} damaged frame{plural} or packet{plural}")

    def _note_missing(self, n_frames: int, last_s: float | None) -> None:
        self._note_damage()
        expected, duration_s = self.facts.n_frames, self.facts.duration_s
        if expected and n_frames < expected:
            self.remarks.append(
                f"the file has {n_frames} of the {expected} frames that it promises; is it cut off?"
            )
        elif duration_s and last_s is not None and not expected:
            begins_s = _begin_s(self._stream)
            step_s = 1 / (self.facts.rate_hz or _USUAL_RATE_HZ)
            if last_s - begins_s + step_s < duration_s - max(_END_TOLERANCE_S, 2 * step_s):
                self.remarks.append(
                    f"the file ends after {last_s - begins_s:.1f} of the {duration_s:.1f} s that "
                    "it promises; is it cut off?"
                )


def to_upright_bgr(decoded: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """A decoded frame as uint8 (H, W, 3) BGR, turned as its display matrix says."""
    image = np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
    # Positive is anticlockwise, as for np.rot90.
    quarter_turns = round(decoded.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image


def _open_file(path: Path) -> InputContainer:
    if not path.exists():
        raise InputNotFoundError(f"{path}: no such file")
    if path.is_dir():
        raise SourceError(f"{path} is a folder, not a video; a folder of pictures can be one")
    if path.is_file() and path.stat().st_size == 0:
        raise EmptyFileError(f"{path} is empty: it has not a single byte")
    try:
        # FFmpeg would read the beginning of a name like "rtsp:" as a protocol.
        container = av.open(f"file:{path}", options=dict(_FILE_OPTIONS), metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceError(_cannot_open(path, error)) from error
    names = set(container.format.name.split(","))
    is_picture = container.format.name.endswith("_pipe")
    if is_picture or names & _REFUSED_FORMATS:
        container.close()
        hint = "; use `emolens image` for pictures" if is_picture else ""
        raise SourceError(
            f"{path}: the format {container.format.name} is not read as a video{hint}"
        )
    return container


def _cannot_open(path: Path, error: Exception) -> str:
    if path.suffix.lower() in PICTURE_SUFFIXES - {".gif"}:
        return f"{path} is not a video; use `emolens image` for pictures"
    return (
        f"cannot read {path} as a video: {_reason(error)}; it may be cut off, damaged, or no "
        "video. Read are MP4, MOV, Matroska, WebM, AVI, MPEG and whatever else FFmpeg knows"
    )


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text)


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    # Music files carry their cover as a video of one picture.
    streams = [s for s in container.streams.video if not _is_cover(s)]
    if not streams:
        what = "sound but no pictures" if container.streams.audio else "no pictures"
        raise SourceError(f"{name} has {what}; emolens needs a video with pictures")
    stream = streams[0]
    if stream.codec_context is None:
        raise SourceError(f"{name}: there is no decoder for its video")
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > _MAX_PIXELS:
        raise SourceError(
            f"{name} is {width}x{height} px, more than the {_MAX_PIXELS:,} pixels that are allowed"
        )
    stream.thread_type = "AUTO"
    return stream


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _facts(container: InputContainer, stream: VideoStream) -> VideoFacts:
    rate = stream.average_rate or stream.guessed_rate
    duration_s = None
    if stream.duration is not None and stream.time_base is not None:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration_s = float(Fraction(container.duration, av.time_base))
    # AVI counts the ticks of its clock, those without a frame too.
    is_counted = "mp4" in container.format.name.split(",")
    n_frames = stream.frames or None if is_counted else None
    size = (stream.codec_context.width, stream.codec_context.height)
    return VideoFacts(
        size_wh=size,
        rate_hz=float(rate) if rate else None,
        n_frames=n_frames,
        duration_s=duration_s,
        has_audio=bool(container.streams.audio),
    )


def _begin_s(stream: VideoStream) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)
