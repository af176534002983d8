"""Summaries of whole videos or live sessions, in bounded memory."""

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from emolens.contract import SCHEMA_VERSION, Provenance, SessionRecord
from emolens.core.errors import ConfigError
from emolens.core.face import FaceResult
from emolens.core.frame import Cell, Frame, FrameResult
from emolens.sessions.track_summary import ShownTime, TrackSummary
from emolens.sessions.track_tally import TimeGrid, TrackTally, no_sums, rates_of, shown_time

MAX_HOLD_S: Final = 0.5
"""Maximum time in seconds that one frame represents."""
N_BINS: Final = 600
MAX_TRACKS: Final = 200
MAX_CUTS: Final = 10_000
"""Maximum number of cuts whose times are kept; the first ones are."""

_FIRST_BIN_S = 0.05
# The time in seconds that a single frame represents.
_LONE_FRAME_S = 0.04
# Tracks are evicted when their number exceeds this multiple of `max_tracks`.
_SPARE = 2


@dataclass(frozen=True, slots=True)
class Session:
    """The summary of a video or live session.

    Times are media times in seconds. If the source restarts, its time continues from the last
    frame.

    Attributes:
        start_s: Time of the first frame.
        end_s: End of the time that the last frame represents.
        n_frames: Number of processed frames.
        n_dropped: Number of dropped frames.
        n_without_face: Number of processed frames without a face.
        without_face_s: Time in seconds that these frames represent.
        n_restarts: Number of times that the media time went back, was not finite, or continued in
            another segment of the source.
        tracks: The tracks that were visible longest, in order of appearance.
        n_other_tracks: Number of further tracks, of which only the total time is kept.
        others_s: Total visible time of the further tracks in seconds.
        shown: Seconds per label over all faces, including the further tracks. Two faces visible at
            the same time count twice.
        n_shots: Number of shots.
        cuts_s: Times at which a new shot begins, at most the first 10,000.
        provenance: The record of how the results were made, or None if unknown.
    """

    start_s: float
    end_s: float
    n_frames: int
    n_dropped: int
    n_without_face: int
    without_face_s: float
    n_restarts: int
    tracks: tuple[TrackSummary, ...]
    n_other_tracks: int
    others_s: float
    shown: ShownTime
    n_shots: int
    cuts_s: tuple[float, ...]
    # It holds a dict, which has no hash.
    provenance: Provenance | None = field(default=None, hash=False)

    @property
    def duration_s(self) -> float:
        """Time from the first frame to the end of the last, in seconds."""
        return self.end_s - self.start_s

    @property
    def n_tracks(self) -> int:
        """The number of all tracks, including the further ones."""
        return len(self.tracks) + self.n_other_tracks

    # Deprecated names of emolens 0.1, to be removed in 0.2.

    @property
    def persons(self) -> tuple[TrackSummary, ...]:
        """Deprecated alias of `tracks`."""
        _warn_renamed("persons", "tracks")
        return self.tracks

    @property
    def n_persons(self) -> int:
        """Deprecated alias of `n_tracks`."""
        _warn_renamed("n_persons", "n_tracks")
        return self.n_tracks

    @property
    def n_other_persons(self) -> int:
        """Deprecated alias of `n_other_tracks`."""
        _warn_renamed("n_other_persons", "n_other_tracks")
        return self.n_other_tracks

    @property
    def record(self) -> SessionRecord:
        """The public record, without thumbnails."""
        most_shown = self.shown.most_shown
        return SessionRecord(
            schema_version=SCHEMA_VERSION,
            start_s=self.start_s,
            end_s=self.end_s,
            duration_s=self.duration_s,
            n_frames=self.n_frames,
            n_dropped=self.n_dropped,
            n_without_face=self.n_without_face,
            without_face_s=self.without_face_s,
            n_restarts=self.n_restarts,
            n_shots=self.n_shots,
            cuts_s=list(self.cuts_s),
            n_tracks=self.n_tracks,
            n_other_tracks=self.n_other_tracks,
            others_s=self.others_s,
            most_shown=None if most_shown is None else most_shown.label,
            seconds=self.shown.to_dict(),
            tracks=[track.record for track in self.tracks],
            **({} if self.provenance is None else {"provenance": self.provenance}),
        )

    def to_rows(self) -> list[dict[str, Cell]]:
        """Return one flat dict per track with the keys `emolens.TRACK_COLUMNS`."""
        return [track.row for track in self.tracks]

    def to_dict(self) -> dict[str, object]:
        """Return `record` as plain values."""
        return self.record.to_dict()


def _warn_renamed(old: str, new: str) -> None:
    message = f"Session.{old} is deprecated and will be removed in emolens 0.2. Use Session.{new}."
    warnings.warn(message, DeprecationWarning, stacklevel=3)


class SessionSummary:
    """A sink that summarises the results of a stream incrementally.

    A frame represents the time to the next one, at most `max_hold_s`, so pauses of the stream do
    not count as shown. The last frame represents as much time as the one before it, and a single
    frame 0.04 s. A face that is not visible for more than 0.25 s leaves a gap.

    Memory is bounded, by default to about 30 MB. A timeline has at most `n_bins` bins, whose width
    doubles when the session exceeds them. The tracks that were visible longest keep a timeline; the
    others are only counted. An evicted track that returns much later is counted again.

    Args:
        thumbnails: Whether to keep one small image of every face. By default no image is kept.
        max_hold_s: Maximum time in seconds that one frame represents. Use more than 0.5 s only for
            fewer than two processed frames per second.
        n_bins: Maximum number of bins of a timeline, an even number.
        max_tracks: Maximum number of tracks with a timeline.
        made: The record of how the results are made, for the session.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(
        self,
        *,
        thumbnails: bool = False,
        max_hold_s: float = MAX_HOLD_S,
        n_bins: int = N_BINS,
        max_tracks: int = MAX_TRACKS,
        made: Provenance | None = None,
    ) -> None:
        if n_bins < 2 or n_bins % 2 or max_tracks < 1 or not 0 < max_hold_s < math.inf:
            raise ConfigError(
                f"n_bins is {n_bins}, max_tracks is {max_tracks} and max_hold_s is {max_hold_s}; "
                "allowed: an even number of bins from 2, 1 track or more, and above 0 s"
            )
        self._thumbnails = thumbnails
        self._made = made
        self._max_hold_s = max_hold_s
        self._max_tracks = max_tracks
        self._clock = _Clock()
        self._n_segments: int | None = None
        self._grid = TimeGrid(0.0, bin_s=_FIRST_BIN_S, n_bins=n_bins)
        # A frame is counted when the next one determines its duration.
        self._faces: tuple[FaceResult, ...] | None = None
        self._hold_s = min(_LONE_FRAME_S, max_hold_s)
        self._end_s = 0.0
        self._tracks: dict[int, TrackTally] = {}
        self._totals = _Totals()
        self._shot: int | None = None
        self._cuts_s: list[float] = []

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add the result of one frame."""
        before_s = self._clock.now_s
        at_s, is_onward = self._clock.read(result.media_time_s, fallback_s=before_s + self._hold_s)
        n_segments = len(frame.clock_offsets_s)
        self._clock.n_restarts += is_onward and self._n_segments not in {None, n_segments}
        self._n_segments = n_segments
        if self._totals.n_frames == 0:
            self._grid.start_s = self._end_s = at_s
        elif is_onward:
            self._hold_s = min(at_s - before_s, self._max_hold_s)
        self._count_pending(before_s)
        self._faces = result.faces
        self._totals.count(result)
        self._count_shot(result.shot, at_s)
        self._open_tracks(frame, result.faces, at_s)

    def finish(self) -> Session:
        """Summarise the session so far. The last frame is counted as if no other one followed."""
        self._count_pending(self._clock.now_s)
        ranked = sorted(self._tracks.values(), key=lambda track: -track.visible_s)
        kept, others = ranked[: self._max_tracks], ranked[self._max_tracks :]
        kept.sort(key=lambda track: (track.first_s, track.track_id))
        totals = self._totals
        return Session(
            start_s=self._grid.start_s,
            end_s=self._end_s,
            n_frames=totals.n_frames,
            n_dropped=totals.n_dropped,
            n_without_face=totals.n_without_face,
            without_face_s=totals.without_face_s,
            n_restarts=self._clock.n_restarts,
            tracks=tuple(track.summary() for track in kept),
            n_other_tracks=totals.n_others + len(others),
            others_s=totals.others_s + sum(track.visible_s for track in others),
            shown=shown_time(totals.sums),
            n_shots=totals.n_shots,
            cuts_s=tuple(self._cuts_s),
            provenance=self._made,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Do nothing: `finish` returns the summary, also after an error."""

    def _count_pending(self, at_s: float) -> None:
        """Count the pending frame at `at_s` seconds, which represents `_hold_s` seconds."""
        if self._faces is None:
            return
        end_s = self._end_s = at_s + self._hold_s
        for _ in range(self._grid.reach(end_s)):
            for track in self._tracks.values():
                track.merge_bins()
        if not self._faces:
            self._totals.without_face_s += self._hold_s
        for face in self._faces:
            rates = rates_of(face)
            self._totals.sums += self._hold_s * rates
            if face.track_id in self._tracks:
                self._tracks[face.track_id].add(face, rates, at_s, end_s)
            elif face.track_id is not None:
                self._totals.others_s += self._hold_s
        self._faces = None

    def _count_shot(self, shot: int, at_s: float) -> None:
        """Count a new shot, and keep the time of a cut."""
        if shot == self._shot:
            return
        if self._shot is not None and len(self._cuts_s) < MAX_CUTS:
            self._cuts_s.append(at_s)
        self._totals.n_shots += 1
        self._shot = shot

    def _open_tracks(self, frame: Frame, faces: Iterable[FaceResult], at_s: float) -> None:
        visible: set[int] = set()
        for face in faces:
            if face.track_id is None:
                continue
            visible.add(face.track_id)
            if face.track_id not in self._tracks:
                self._tracks[face.track_id] = TrackTally(face.track_id, at_s, self._grid)
            if self._thumbnails:
                self._tracks[face.track_id].update_thumbnail(frame, face)
        if len(self._tracks) > _SPARE * self._max_tracks:
            self._evict(visible)

    def _evict(self, visible: set[int]) -> None:
        """Keep the tracks visible longest, and currently visible ones up to the limit."""
        ranked = sorted(self._tracks.values(), key=lambda track: -track.visible_s)
        others = ranked[self._max_tracks :]
        others.sort(key=lambda track: track.track_id not in visible)
        room = (_SPARE - 1) * self._max_tracks
        for rank, track in enumerate(others):
            if rank < room and track.track_id in visible:
                continue
            self._totals.n_others += 1
            self._totals.others_s += track.visible_s
            del self._tracks[track.track_id]


@dataclass(slots=True)
class _Totals:
    sums: npt.NDArray[np.float64] = field(default_factory=no_sums)
    n_frames: int = 0
    n_dropped: int = 0
    n_shots: int = 0
    n_without_face: int = 0
    without_face_s: float = 0.0
    n_others: int = 0
    others_s: float = 0.0

    def count(self, result: FrameResult) -> None:
        self.n_frames += 1
        self.n_dropped += result.dropped_before
        self.n_without_face += not result.faces


@dataclass(slots=True)
class _Clock:
    """A clock that never goes back: after a restart of the source, its time continues."""

    now_s: float = -math.inf
    n_restarts: int = 0
    _offset_s: float = 0.0

    def read(self, media_s: float, *, fallback_s: float) -> tuple[float, bool]:
        """Return the time of the next frame in seconds, and whether it follows the source.

        Args:
            media_s: Media time of the source in seconds.
            fallback_s: Time to use if `media_s` is not finite or goes back.
        """
        at_s = media_s + self._offset_s
        is_onward = self.now_s <= at_s < math.inf
        if not is_onward:
            at_s = fallback_s if math.isfinite(fallback_s) else 0.0
            self.n_restarts += 1
            if math.isfinite(media_s):
                self._offset_s = at_s - media_s
        self.now_s = at_s
        return at_s, is_onward
