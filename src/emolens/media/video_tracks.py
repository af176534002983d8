"""Which video of a file is read where there are several."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError, SourceError
from emolens.imaging.pyav import Disposition, InputContainer, VideoStream

# Images that belong to a file and are no video, though they are stored as one.
_NO_MOTION: Final = Disposition.still_image | Disposition.timed_thumbnails
# One much shorter than the longest is an image, or a title.
_LEAST_LENGTH: Final = 0.1
# A track that the file calls its default is taken if it shows at least half as much as the largest.
_DEFAULT_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """What a file says about one of its videos.

    Attributes:
        number: Its number among the videos of the file, from 1; cover images have none.
        stream: Where its frames come from.
        size_wh: (width, height) in pixels, as stored; (0, 0) if unknown.
        codec: FFmpeg's name of its codec, or None where there is no decoder.
        duration_s: Its length in seconds, or None if unknown.
        n_frames: How many frames it has, or None if unknown.
        is_default: Whether the file calls it the one to show.
        is_still: Whether it is an image, or a row of thumbnails.
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
    """All videos of a file in its order, without cover images."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    return [_track_of(stream, number) for number, stream in enumerate(streams, start=1)]


def choose_track(tracks: list[VideoTrack], path: Path, number: int | None = None) -> VideoTrack:
    """The track of a number, or the one that shows most.

    That is the one with the largest product of area and length, among those that can be decoded,
    move, and are not much shorter than the others; one that the file calls its default goes first
    if it shows at least half as much, and then the one that comes first in the file.

    Args:
        tracks: All tracks of the file, at least one.
        path: The file, for messages.
        number: Number of a track, or None to choose.

    Raises:
        ConfigError: There is no track of this number.
        SourceError: There is no decoder for what was chosen.
    """
    if number is None:
        chosen = _best_of(tracks)
    elif 1 <= number <= len(tracks):
        chosen = tracks[number - 1]
    else:
        raise ConfigError(f"{path} has no video track {number}; it has {list_tracks(tracks)}")
    if chosen.codec is None:
        raise SourceError(f"{path}: there is no decoder for its video")
    return chosen


def list_tracks(tracks: list[VideoTrack]) -> str:
    """The tracks in words: number, size, codec and length of each."""
    return ", ".join(map(str, tracks))


def duration_of(stream: VideoStream) -> float | None:
    """How long a file says that one of its videos is, in seconds; None where it does not."""
    # Matroska has it as a tag, with hours, minutes and seconds, and FFmpeg gives the length of the
    # whole file to some tracks.
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
    # Where a container counts frames, a track without a count has none.
    counted = [track for track in moving if track.n_frames is not None]
    candidates = counted or moving or usable or tracks
    known_s = [track.duration_s for track in candidates if track.duration_s is not None]
    longest_s = max(known_s, default=1.0)

    def shown(track: VideoTrack) -> float:
        width, height = track.size_wh
        length_s = longest_s if track.duration_s is None else track.duration_s
        return width * height * length_s if length_s >= _LEAST_LENGTH * longest_s else 0.0

    least = _DEFAULT_SHARE * max(map(shown, candidates))
    return max(
        candidates,
        key=lambda track: (track.is_default and shown(track) >= least, shown(track)),
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
