"""The choice of one video track in a file with several."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError, SourceError
from emolens.imaging.pyav import Disposition, InputContainer, VideoStream

# Still images and thumbnails that are stored as video tracks.
_NO_MOTION: Final = Disposition.still_image | Disposition.timed_thumbnails
# Tracks shorter than this share of the longest one are images or titles.
_LEAST_LENGTH: Final = 0.1
# The default track of a file is chosen if area x duration is at least this share of the maximum.
_DEFAULT_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """A video track of a file, according to its container.

    Attributes:
        number: Number among the video tracks of the file, from 1; cover images are not counted.
        stream: The stream of its frames.
        size_wh: Stored (width, height) in pixels; (0, 0) if unknown.
        codec: FFmpeg's name of the codec, or None if there is no decoder.
        duration_s: Duration in seconds, or None if unknown.
        n_frames: Number of frames, or None if unknown.
        is_default: Whether the file marks the track as its default.
        is_still: Whether the track is an image or a sequence of thumbnails.
    """

    number: int
    stream: VideoStream
    size_wh: tuple[int, int]
    codec: str | None
    duration_s: float | None
    n_frames: int | None
    is_default: bool
    is_still: bool

    def __str__(self) -> str:
        width, height = self.size_wh
        parts = [f"{width}x{height} px", self.codec or "no decoder"]
        if self.duration_s is not None:
            parts.append(f"{self.duration_s:.1f} s")
        return f"{self.number} ({', '.join(parts)})"


def video_tracks(container: InputContainer) -> list[VideoTrack]:
    """List all video tracks of a file in order, without cover images."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    return [_track_of(stream, number) for number, stream in enumerate(streams, start=1)]


def choose_track(tracks: list[VideoTrack], path: Path, number: int | None = None) -> VideoTrack:
    """Return the track with a given number, or the largest one.

    The largest track has the maximum area x duration among the tracks that can be decoded, are
    moving, and are not much shorter than the others. The default track of the file takes precedence
    if it has at least half of that maximum. Ties go to the first track.

    Args:
        tracks: All tracks of the file, at least one.
        path: The file, for messages.
        number: Number of a track, or None for the largest one.

    Raises:
        ConfigError: The file has no track with this number.
        SourceError: There is no decoder for the track.
    """
    if number is None:
        chosen = _best_of(tracks)
    elif 1 <= number <= len(tracks):
        chosen = tracks[number - 1]
    else:
        raise ConfigError(f"{path} has no video track {number}; available: {list_tracks(tracks)}")
    if chosen.codec is None:
        raise SourceError(f"{path}: this build of FFmpeg has no decoder for the video track")
    return chosen


def list_tracks(tracks: list[VideoTrack]) -> str:
    """Describe each track by its number, size, codec and duration."""
    return ", ".join(map(str, tracks))


def duration_of(stream: VideoStream) -> float | None:
    """Return the duration of a video track in seconds, or None if unknown."""
    # Matroska stores it as a tag with hours, minutes and seconds. For some tracks FFmpeg reports
    # the duration of the whole file instead.
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = map(float, parts)
    except ValueError:
        if stream.duration is None or not stream.time_base:
            return None
        return float(stream.duration * stream.time_base)
    duration_s = 3600 * hours + 60 * minutes + seconds
    return duration_s if 0 <= duration_s < math.inf else None


def _best_of(tracks: list[VideoTrack]) -> VideoTrack:
    usable = [track for track in tracks if track.codec is not None and all(track.size_wh)]
    moving = [track for track in usable if not track.is_still]
    # If a container counts frames, a track without a count has no frames.
    counted = [track for track in moving if track.n_frames is not None]
    candidates = counted or moving or usable or tracks
    known_s = [track.duration_s for track in candidates if track.duration_s is not None]
    longest_s = max(known_s, default=1.0)

    def extent(track: VideoTrack) -> float:
        width, height = track.size_wh
        length_s = longest_s if track.duration_s is None else track.duration_s
        return width * height * length_s if length_s >= _LEAST_LENGTH * longest_s else 0.0

    least = _DEFAULT_SHARE * max(map(extent, candidates))
    return max(
        candidates,
        key=lambda track: (track.is_default and extent(track) >= least, extent(track)),
    )


def _track_of(stream: VideoStream, number: int) -> VideoTrack:
    context = stream.codec_context
    n_frames = stream.frames or None
    return VideoTrack(
        number=number,
        stream=stream,
        size_wh=(context.width, context.height) if context is not None else (0, 0),
        codec=context.codec.canonical_name if context is not None else None,
        duration_s=duration_of(stream),
        n_frames=n_frames,
        is_default=bool(stream.disposition & Disposition.default),
        is_still=bool(stream.disposition & _NO_MOTION) or n_frames == 1,
    )
