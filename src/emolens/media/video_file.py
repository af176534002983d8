"""Open a video file, and nothing but that file, and find its images."""

import contextlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeVar

from emolens.core.errors import EmptyFileError, InputNotFoundError, SourceError
from emolens.imaging.kinds import AVIF, GIF, HEIC, kind_by_content, kind_by_name
from emolens.imaging.listing import first_bytes
from emolens.imaging.pyav import READ_METADATA, AudioStream, InputContainer, VideoStream, av
from emolens.media.video_tracks import VideoTrack, choose_track, duration_of, video_tracks

# Others are refused before FFmpeg follows them: playlists and scripts name further files, devices
# and filters are no files at all.
_FORMATS: Final = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "mxf", "rm", "gif", "nut"),
    *("dv", "ivf", "wtv", "nsv", "swf", "amv", "h264", "hevc", "av1", "obu", "vc1", "m4v", "mjpeg"),
    *("mpegvideo", "mpjpeg", "yuv4mpegpipe", "h261", "h263", "apng"),
    # Sound alone, to say so.
    *("mp3", "aac", "flac", "wav", "aiff", "ac3", "amr", "ape"),
)
# Nothing but the file itself may be opened, whatever the file says.
FILE_OPTIONS: Final = {"protocol_whitelist": "file", "format_whitelist": ",".join(_FORMATS)}
# HEIF files that are meant to be played.
_SEQUENCE_BRANDS: Final = (b"msf1", b"hevc", b"hevx", b"avis")
_TS_PACKET_BYTES: Final = (188, 192, 204)
_MAX_PIXELS: Final = 8192 * 8192

AnyStream = TypeVar("AnyStream", VideoStream, AudioStream)


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a container says about its video before anything is decoded.

    Attributes:
        size_wh: (width, height) in pixels as stored, before pixels are made square and frames
            turned upright.
        rate_hz: Average frames per second, or None if unknown.
        n_frames: Frames according to the container, or None where it does not say.
        begin_s: Time of the first frame in seconds.
        duration_s: Seconds from there to the end, or None where it does not say.
        has_audio: Whether there is sound.
    """

    size_wh: tuple[int, int]
    rate_hz: float | None
    n_frames: int | None
    begin_s: float
    duration_s: float | None
    has_audio: bool


def open_file(path: Path) -> InputContainer:
    """Open a file as a container.

    Raises:
        InputNotFoundError: There is no such file.
        EmptyFileError: It has no bytes.
        SourceError: It is a folder, of a format that is not read, or damaged.
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path}: no such file") from error
    except (
        OSError,
        ValueError,
    ) as error:  # a name that is too long, one with a NUL, a closed folder
        raise InputNotFoundError(f"{path}: {reason_of(error)}") from error
    if stat.S_ISDIR(found.st_mode):
        raise SourceError(f"{path} is a folder, not a video; a folder of images can be one")
    if stat.S_ISREG(found.st_mode) and found.st_size == 0:
        raise EmptyFileError(f"{path} is empty: it has not a single byte")
    if _is_still(first_bytes(path)):
        raise SourceError(f"{path} is not a video; use `emolens image` for images")
    try:
        # FFmpeg would read the beginning of a name like "rtsp:" as a protocol.
        container: InputContainer = av.open(
            f"file:{path}", options=dict(FILE_OPTIONS), **READ_METADATA
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceError(_cannot_open(path, error)) from error
    return container


def video_track(container: InputContainer, path: Path, number: int | None = None) -> VideoTrack:
    """The video of a container that is read, ready to decode.

    Args:
        container: The open file.
        path: The file, for messages.
        number: Number of a video track, from 1, or None to take the one that shows most.

    Raises:
        SourceError: There is none, or none that can be decoded.
        ConfigError: There is no track of this number.
    """
    # Music files carry their cover as a video of one image, which is no track.
    tracks = video_tracks(container)
    if not tracks:
        what = "sound but no images" if container.streams.audio else "no images"
        raise SourceError(f"{path} has {what}; emolens needs a video with images")
    track = choose_track(tracks, path, number)
    width, height = track.size_wh
    if width * height > _MAX_PIXELS:
        raise SourceError(
            f"{path} is {width}x{height} px, more than the {_MAX_PIXELS:,} pixels that are allowed"
        )
    track.stream.thread_type = "AUTO"
    return track


def video_stream(container: InputContainer, path: Path, number: int | None = None) -> VideoStream:
    """The stream of `video_track`."""
    return video_track(container, path, number).stream


def packets_of(container: InputContainer, stream: AnyStream) -> "Iterator[av.Packet[AnyStream]]":
    """The packets of a stream, the last of them empty, to get out of a decoder what it holds.

    Streams may come up while a container is read; at its end PyAV fails over those.
    """
    with contextlib.suppress(IndexError):
        yield from container.demux(stream)


def video_facts(container: InputContainer, stream: VideoStream) -> VideoFacts:
    """What the container says about one of its videos."""
    names = set(container.format.name.split(","))
    rate = stream.average_rate or stream.guessed_rate
    begin_s = 0.0
    if stream.start_time is not None and stream.time_base:
        begin_s = float(stream.start_time * stream.time_base)
    duration_s = duration_of(stream)
    if container.duration is not None and (duration_s is None or "matroska" in names):
        whole_s = float(Fraction(container.duration, av.time_base))
        # Tags may be left from before a file was cut.
        duration_s = whole_s if duration_s is None else min(duration_s, whole_s)
    if duration_s is not None and "matroska" in names:
        # Its length is the time of the end, wherever the first frame stands.
        duration_s = max(0.0, duration_s - begin_s)
    if "avi" in names and stream.frames and rate:
        # It counts the ticks of its clock, those without a frame too. What FFmpeg calls its length
        # is estimated from the size of the file, so that one that is cut off would seem whole.
        duration_s = float(stream.frames / rate)
    n_frames = stream.frames or None if "mp4" in names else None
    return VideoFacts(
        size_wh=(stream.codec_context.width, stream.codec_context.height),
        rate_hz=float(rate) if rate else None,
        n_frames=n_frames,
        begin_s=begin_s,
        duration_s=duration_s,
        has_audio=bool(container.streams.audio),
    )


def ends_too_early(path: Path, container: InputContainer) -> bool:
    """Whether the last piece of an MPEG transport stream or an MP4 file is not whole.

    These say nothing else about their length, at least where they were recorded piece by piece.
    """
    names = set(container.format.name.split(","))
    n_bytes = path.stat().st_size
    if "mpegts" in names:
        return all(n_bytes % packet for packet in _TS_PACKET_BYTES)
    return "mp4" in names and _end_of_boxes(path) > n_bytes


def reason_of(error: Exception) -> str:
    """What the system or FFmpeg says, without the name of the file."""
    return str(getattr(error, "strerror", None) or error)


def _is_still(head: bytes) -> bool:
    """Whether a file is a HEIF image, whose tiles FFmpeg would give as videos of one frame."""
    return kind_by_content(head) in (HEIC, AVIF) and head[8:12] not in _SEQUENCE_BRANDS


def _cannot_open(path: Path, error: Exception) -> str:
    kind = kind_by_name(path.name)
    if kind is not None and kind.is_readable and kind is not GIF:
        return f"{path} is not a video; use `emolens image` for images"
    if isinstance(error, av.error.ArgumentError):
        return (
            f"cannot read {path} as a video: playlists, scripts, text and single images are not "
            "read; use `emolens image` for images"
        )
    return (
        f"cannot read {path} as a video: {reason_of(error)}; it may be cut off, damaged, or no "
        "video. Read are MP4, MOV, Matroska, WebM, AVI, MPEG and most others that FFmpeg knows"
    )


def _end_of_boxes(path: Path) -> int:
    """Where the last box of an MP4 file should end, in bytes.

    Source: ISO/IEC 14496-12, 4.2: 32 bits of size and the type; a size of 1 means that 64 bits of
    size follow, one of 0 that the box goes on to the end of the file.
    """
    end = 0
    with path.open("rb") as file:
        while header := file.read(16):
            size = int.from_bytes(header[:4])
            size = int.from_bytes(header[8:]) if size == 1 else size
            if size < 8:
                break
            end += size
            file.seek(end)
    return end
