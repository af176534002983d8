"""Video files, opened without access to any other file or address."""

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

# Other formats are refused before FFmpeg reads them: playlists and scripts refer to further files,
# and devices and filters are not files.
_FORMATS: Final = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "mxf", "rm", "gif", "nut"),
    *("dv", "ivf", "wtv", "nsv", "swf", "amv", "h264", "hevc", "av1", "obu", "vc1", "m4v", "mjpeg"),
    *("mpegvideo", "mpjpeg", "yuv4mpegpipe", "h261", "h263", "apng"),
    # Sound only, for a clear error message.
    *("mp3", "aac", "flac", "wav", "aiff", "ac3", "amr", "ape"),
)
# FFmpeg may open only the file itself.
FILE_OPTIONS: Final = {"protocol_whitelist": "file", "format_whitelist": ",".join(_FORMATS)}
# HEIF image sequences.
_SEQUENCE_BRANDS: Final = (b"msf1", b"hevc", b"hevx", b"avis")
_TS_PACKET_BYTES: Final = (188, 192, 204)
_MAX_PIXELS: Final = 8192 * 8192

AnyStream = TypeVar("AnyStream", VideoStream, AudioStream)


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Metadata of a video from its container.

    Attributes:
        size_wh: Stored (width, height) in pixels, before aspect ratio and rotation.
        rate_hz: Average frames per second, or None if unknown.
        n_frames: Number of frames, or None if unknown.
        begin_s: Time of the first frame in seconds.
        duration_s: Seconds from the first frame to the end, or None if unknown.
        has_audio: Whether the file has sound.
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
        InputNotFoundError: The file does not exist.
        EmptyFileError: The file has no bytes.
        SourceError: The path is a folder, or the file has an unsupported format or is damaged.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path}: no such file") from error
    except (
        OSError,
        ValueError,
    ) as error:  # the name is too long or contains NUL, or the folder is unreadable
        raise InputNotFoundError(f"{path}: {reason_of(error)}") from error
    if stat.S_ISDIR(status.st_mode):
        raise SourceError(f"{path} is a folder, not a video file")
    if stat.S_ISREG(status.st_mode) and status.st_size == 0:
        raise EmptyFileError(f"{path} is empty (0 bytes). Copy it again.")
    if _is_still(first_bytes(path)):
        raise SourceError(f"{path} is an image, not a video. Use `emolens image` for images.")
    try:
        # Otherwise FFmpeg interprets a file name that begins with "rtsp:" as an address.
        container: InputContainer = av.open(
            f"file:{path}", options=dict(FILE_OPTIONS), **READ_METADATA
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceError(_cannot_open(path, error)) from error
    return container


def video_track(container: InputContainer, path: Path, number: int | None = None) -> VideoTrack:
    """Choose a video track of a container, ready to decode.

    Args:
        container: The open file.
        path: The file, for messages.
        number: Number of a video track, from 1, or None for the largest one.

    Raises:
        SourceError: The file has no video track that can be decoded.
        ConfigError: The file has no video track with this number.
    """
    # The cover of a music file is stored as a video of one image. It does not count as a track.
    tracks = video_tracks(container)
    if not tracks:
        tracks_found = "sound but no video" if container.streams.audio else "no video"
        raise SourceError(f"{path} has {tracks_found} track. Give a file with video.")
    track = choose_track(tracks, path, number)
    width, height = track.size_wh
    if width * height > _MAX_PIXELS:
        raise SourceError(f"{path} is {width}x{height} px; allowed: up to {_MAX_PIXELS:,} pixels")
    track.stream.thread_type = "AUTO"
    return track


def video_stream(container: InputContainer, path: Path, number: int | None = None) -> VideoStream:
    """Return the stream of `video_track`."""
    return video_track(container, path, number).stream


def packets_of(container: InputContainer, stream: AnyStream) -> "Iterator[av.Packet[AnyStream]]":
    """Yield the packets of a stream. The last packet is empty and flushes the decoder.

    PyAV raises `IndexError` at the end if a stream appeared while the container was read.
    """
    with contextlib.suppress(IndexError):
        yield from container.demux(stream)


def video_facts(container: InputContainer, stream: VideoStream) -> VideoFacts:
    """Read the metadata of a video from its container."""
    names = set(container.format.name.split(","))
    rate = stream.average_rate or stream.guessed_rate
    begin_s = 0.0
    if stream.start_time is not None and stream.time_base:
        begin_s = float(stream.start_time * stream.time_base)
    duration_s = duration_of(stream)
    if container.duration is not None and (duration_s is None or "matroska" in names):
        whole_s = float(Fraction(container.duration, av.time_base))
        # Tags may be stale from before the file was cut.
        duration_s = whole_s if duration_s is None else min(duration_s, whole_s)
    if duration_s is not None and "matroska" in names:
        # Matroska stores the end time, independent of the first frame.
        duration_s = max(0.0, duration_s - begin_s)
    if "avi" in names and stream.frames and rate:
        # AVI counts clock ticks, including those without a frame. FFmpeg estimates the duration
        # from the file size, which hides that a file is truncated.
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


def is_truncated(path: Path, container: InputContainer) -> bool:
    """Return whether the last packet of a transport stream or last box of an MP4 is incomplete.

    Neither format declares its length otherwise, at least if it was recorded in fragments.
    """
    names = set(container.format.name.split(","))
    n_bytes = path.stat().st_size
    if "mpegts" in names:
        return all(n_bytes % packet for packet in _TS_PACKET_BYTES)
    return "mp4" in names and _end_of_boxes(path) > n_bytes


def reason_of(error: Exception) -> str:
    """Return the error message of the system or of FFmpeg, without the file name."""
    return str(getattr(error, "strerror", None) or error)


def _is_still(head: bytes) -> bool:
    """Return whether a file is a HEIF image, whose tiles FFmpeg reads as videos of one frame."""
    return kind_by_content(head) in (HEIC, AVIF) and head[8:12] not in _SEQUENCE_BRANDS


def _cannot_open(path: Path, error: Exception) -> str:
    kind = kind_by_name(path.name)
    if kind is not None and kind.is_readable and kind is not GIF:
        return f"{path} is an image, not a video. Use `emolens image` for images."
    if isinstance(error, av.error.ArgumentError):
        return (
            f"cannot read {path} as a video: playlists, scripts, text and images are not allowed. "
            "Use `emolens image` for images."
        )
    return (
        f"cannot read {path} as a video: {reason_of(error)}. The file may be truncated, damaged or "
        "not a video; allowed: MP4, MOV, Matroska, WebM, AVI, MPEG and most formats of FFmpeg."
    )


def _end_of_boxes(path: Path) -> int:
    """Return the declared end of the last box of an MP4 file, in bytes.

    Source:
        ISO/IEC 14496-12, 4.2: 32 bits of size and the type. Size 1 means that a 64-bit size
        follows. Size 0 means that the box extends to the end of the file.
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
