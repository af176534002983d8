"""Running sums of single tracks, in bounded memory."""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.face import FaceResult
from emolens.core.frame import Frame
from emolens.imaging.crop import crop_square
from emolens.sessions.track_summary import Gap, ShownTime, Timeline, TimelineBin, TrackSummary

GAP_S = 0.25
"""Minimum duration of a gap in seconds."""
MAX_GAPS = 50
"""Maximum number of gaps kept per track; the longest ones are kept."""
THUMBNAIL_PX = 64

# Columns of the sums: probability-seconds per class, seconds with scores, seconds per shown class,
# seconds of uncertainty.
_N_COLUMNS = 2 * N_EMOTIONS + 2
_SCORED = N_EMOTIONS
_SHOWN = slice(N_EMOTIONS + 1, _N_COLUMNS)
# Smaller overlaps with a bin are rounding errors.
_LEAST_S = 1e-9
_JPEG_QUALITY = 85
_THUMBNAIL_PAD = 0.1

_Numbers = npt.NDArray[np.float64]


class TimeGrid:
    """A grid of equal time bins, whose width doubles when time exceeds them.

    Args:
        start_s: Start of bin 0 in seconds.
        bin_s: Initial width of a bin in seconds.
        n_bins: Number of bins, an even number.
    """

    def __init__(self, start_s: float, *, bin_s: float, n_bins: int) -> None:
        self.start_s = start_s
        self.bin_s = bin_s
        self.n_bins = n_bins

    def empty(self) -> _Numbers:
        """Return float64 (n_bins, columns) zeros."""
        return np.zeros((self.n_bins, _N_COLUMNS))

    def reach(self, end_s: float) -> int:
        """Widen the bins until they reach a time, and return the number of pairwise merges."""
        n_merges = 0
        while self.start_s + self.n_bins * self.bin_s < end_s:
            self.bin_s *= 2
            n_merges += 1
        return n_merges

    def add(self, sums: _Numbers, rates: _Numbers, start_s: float, end_s: float) -> None:
        """Distribute a time span over its bins.

        Args:
            sums: float64 (n_bins, columns), changed in place.
            rates: float64 (columns,), per second.
            start_s: Start of the span in seconds.
            end_s: End of the span in seconds.
        """
        start, end = start_s - self.start_s, end_s - self.start_s
        last = min(int(end / self.bin_s), self.n_bins - 1)
        for index in range(int(start / self.bin_s), last + 1):
            left, right = index * self.bin_s, (index + 1) * self.bin_s
            inside_s = min(end, right) - max(start, left)
            if inside_s > _LEAST_S:
                sums[index] += inside_s * rates


def no_sums() -> _Numbers:
    """Return float64 (columns,) zeros."""
    return np.zeros(_N_COLUMNS)


def rates_of(face: FaceResult) -> _Numbers:
    """Return the contribution of a face to the sums per second, float64 (columns,)."""
    rates = no_sums()
    if face.smoothed is not None:
        rates[:N_EMOTIONS] = face.smoothed.probabilities
        rates[_SCORED] = 1
    rates[_SHOWN.start + (N_EMOTIONS if face.label is None else face.label.index)] = 1
    return rates


def shown_time(sums: _Numbers) -> ShownTime:
    """Return the seconds per label in float64 (columns,) sums."""
    *by_label, uncertain_s = map(float, sums[_SHOWN])
    return ShownTime(tuple(by_label), uncertain_s)


def mean_scores(sums: _Numbers) -> EmotionScores | None:
    """Return the mean scores in float64 (columns,) sums, or None without scores."""
    if sums[_SCORED] <= 0:
        return None
    return EmotionScores((sums[:N_EMOTIONS] / sums[_SCORED]).astype(np.float32))


@dataclass(slots=True)
class _Gaps:
    longest: list[Gap] = field(default_factory=list)
    n: int = 0
    total_s: float = 0.0

    def add(self, gap: Gap) -> None:
        self.n += 1
        self.total_s += gap.duration_s
        self.longest.append(gap)
        if len(self.longest) > MAX_GAPS:
            self.longest.remove(min(self.longest, key=lambda kept: kept.duration_s))


class TrackTally:
    """The running sums of one track.

    Args:
        track_id: Track id.
        at_s: Time of the first detection in seconds.
        grid: The bins of the session.
    """

    def __init__(self, track_id: int, at_s: float, grid: TimeGrid) -> None:
        self.track_id = track_id
        self.first_s = self.last_s = at_s
        self._grid = grid
        self._n_frames = 0
        self._sums = no_sums()
        self._bins = grid.empty()
        self._transitions = np.zeros((N_EMOTIONS, N_EMOTIONS), np.int64)
        self._episodes = [0] * N_EMOTIONS
        self._label: Emotion | None = None
        self._gaps = _Gaps()
        self._image: npt.NDArray[np.uint8] | None = None
        self._sharpness = -math.inf

    @property
    def visible_s(self) -> float:
        """Visible time in seconds."""
        return float(self._sums[_SHOWN].sum())

    def add(self, face: FaceResult, rates: _Numbers, start_s: float, end_s: float) -> None:
        """Add a face that is visible from `start_s` to `end_s`, with its rates from `rates_of`."""
        if start_s - self.last_s > GAP_S:
            self._gaps.add(Gap(self.last_s, start_s))
            self._label = None
        before, now = self._label, face.label
        if before is not None and now is not None and before is not now:
            self._transitions[before.index, now.index] += 1
        if now is not None and now is not before:
            self._episodes[now.index] += 1
        self._label = now
        self._n_frames += 1
        self._sums += (end_s - start_s) * rates
        self._grid.add(self._bins, rates, start_s, end_s)
        self.last_s = end_s

    def merge_bins(self) -> None:
        """Merge the bins in pairs, after the grid has doubled its bin width."""
        n = len(self._bins)
        merged = self._bins.reshape(n // 2, 2, _N_COLUMNS).sum(axis=1)
        self._bins[: n // 2], self._bins[n // 2 :] = merged, 0

    def update_thumbnail(self, frame: Frame, face: FaceResult) -> None:
        """Keep a small image of the face if it is the sharpest assessable one so far."""
        is_detected = face.detection_score is not None and face.scores_age_s == 0
        is_sharpest = face.quality.sharpness > self._sharpness
        if not (is_detected and face.assessable and is_sharpest and face.box.area):
            return
        square = face.box.to_square().pad(_THUMBNAIL_PAD)
        self._image = crop_square(frame.image, square, THUMBNAIL_PX)
        self._sharpness = face.quality.sharpness

    def summary(self) -> TrackSummary:
        """Return an immutable summary of the track so far."""
        transitions = self._transitions.copy()
        transitions.setflags(write=False)
        return TrackSummary(
            track_id=self.track_id,
            first_s=self.first_s,
            last_s=self.last_s,
            n_frames=self._n_frames,
            shown=shown_time(self._sums),
            mean_scores=mean_scores(self._sums),
            transitions=transitions,
            episodes=tuple(self._episodes),
            gaps=tuple(sorted(self._gaps.longest, key=lambda gap: gap.start_s)),
            n_gaps=self._gaps.n,
            gaps_s=self._gaps.total_s,
            timeline=self._timeline(),
            thumbnail_jpeg=None if self._image is None else _to_jpeg(self._image),
        )

    def _timeline(self) -> Timeline:
        shown_s = self._bins[:, _SHOWN]
        bins = [
            TimelineBin(
                index=int(index),
                visible_s=float(shown_s[index].sum()),
                scores=mean_scores(self._bins[index]),
                label=_longest(shown_s[index]),
            )
            for index in np.flatnonzero(shown_s.any(axis=1))
        ]
        return Timeline(self._grid.start_s, self._grid.bin_s, tuple(bins))


def _longest(shown_s: _Numbers) -> Emotion | None:
    index = int(shown_s.argmax())
    return Emotion.from_index(index) if index < N_EMOTIONS else None


def _to_jpeg(image: npt.NDArray[np.uint8]) -> bytes:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
    return bytes(encoded.tobytes())
