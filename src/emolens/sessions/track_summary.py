"""Summaries of single tracks: visible times and time per label."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.contract.sessions import (
    BinRecord,
    GapRecord,
    TimelineRecord,
    TrackRecord,
    TrackRow,
)
from emolens.core.emotion import LABELS, Emotion, EmotionScores
from emolens.core.frame import Cell
from emolens.core.records import ArrayRecord

UNCERTAIN = "uncertain"
"""The name for time without a label."""


@dataclass(frozen=True, slots=True)
class ShownTime:
    """Seconds per shown label.

    Attributes:
        by_label: Seconds of each class, in the order of `Emotion`.
        uncertain_s: Seconds in which emolens abstained.
    """

    by_label: tuple[float, ...]
    uncertain_s: float

    @property
    def visible_s(self) -> float:
        """Total visible time in seconds."""
        return sum(self.by_label) + self.uncertain_s

    @property
    def most_shown(self) -> Emotion | None:
        """The class shown longest (the first one on a tie), or None if none was shown."""
        longest = max(Emotion, key=lambda emotion: self.by_label[emotion.index])
        return longest if self.by_label[longest.index] > 0 else None

    def seconds(self, label: Emotion | None) -> float:
        """Return the seconds of a class, or of uncertainty for None."""
        return self.uncertain_s if label is None else self.by_label[label.index]

    def share(self, label: Emotion | None) -> float | None:
        """Return the share of the visible time, 0 to 1, or None if the visible time is 0."""
        return self.seconds(label) / self.visible_s if self.visible_s > 0 else None

    def to_dict(self) -> dict[str, float]:
        """Return the seconds by label, in the order of `Emotion` with `UNCERTAIN` last."""
        return dict(zip(LABELS, self.by_label, strict=True)) | {UNCERTAIN: self.uncertain_s}


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a track was not visible, from `start_s` to `end_s` in media seconds."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Duration in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class TimelineBin:
    """One bin of a timeline.

    Attributes:
        index: Index in the grid. The bin starts at `timeline.start_s + index * timeline.bin_s`.
        visible_s: Visible time of the track in seconds, above 0.
        scores: Mean of the smoothed scores over that time, or None without scores.
        label: The label shown longest; None for uncertainty.
    """

    index: int
    visible_s: float
    scores: EmotionScores | None
    label: Emotion | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A track's scores over time.

    Attributes:
        start_s: Start of bin 0 in media seconds; the same for all tracks of a session.
        bin_s: Width of a bin in seconds; the same for all tracks of a session.
        bins: The bins in which the track was visible, in order. The others are gaps.
    """

    start_s: float
    bin_s: float
    bins: tuple[TimelineBin, ...]

    @property
    def record(self) -> TimelineRecord:
        """The public record."""
        return TimelineRecord(
            start_s=self.start_s,
            bin_s=self.bin_s,
            bins=[
                BinRecord(
                    index=entry.index,
                    visible_s=entry.visible_s,
                    label=None if entry.label is None else entry.label.label,
                    probabilities=None if entry.scores is None else entry.scores.to_dict(),
                )
                for entry in self.bins
            ],
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrackSummary(ArrayRecord):
    """One track of a session.

    Attributes:
        track_id: Track id.
        first_s: Time of first visibility in media seconds.
        last_s: End of the last visibility in media seconds.
        n_frames: Number of frames in which the track was visible.
        shown: Seconds per label.
        mean_scores: Mean of the smoothed scores over the visible time, or None without scores.
        transitions: int64 (7, 7), read-only: number of label changes from row to column between
            consecutive frames, without uncertainty or a gap in between.
        episodes: Number of times in which each class was shown without interruption, in the order
            of `Emotion`. Uncertainty, another label and a gap interrupt.
        gaps: The longest gaps, in order of time.
        n_gaps: Number of all gaps.
        gaps_s: Total duration of all gaps in seconds.
        timeline: Scores over time.
        thumbnail_jpeg: A small JPEG image of the face, or None.
    """

    track_id: int
    first_s: float
    last_s: float
    n_frames: int
    shown: ShownTime
    mean_scores: EmotionScores | None
    transitions: npt.NDArray[np.int64]
    episodes: tuple[int, ...]
    gaps: tuple[Gap, ...]
    n_gaps: int
    gaps_s: float
    timeline: Timeline
    thumbnail_jpeg: bytes | None = None

    @property
    def record(self) -> TrackRecord:
        """The public record, without the thumbnail."""
        most_shown, scores = self.shown.most_shown, self.mean_scores
        return TrackRecord(
            track_id=self.track_id,
            first_s=self.first_s,
            last_s=self.last_s,
            visible_s=self.shown.visible_s,
            n_frames=self.n_frames,
            most_shown=None if most_shown is None else most_shown.label,
            seconds=self.shown.to_dict(),
            mean_probabilities=None if scores is None else scores.to_dict(),
            transitions=self.transitions.tolist(),
            episodes=dict(zip(LABELS, self.episodes, strict=True)),
            gaps=[GapRecord(start_s=gap.start_s, end_s=gap.end_s) for gap in self.gaps],
            n_gaps=self.n_gaps,
            gaps_s=self.gaps_s,
            timeline=self.timeline.record,
        )

    @property
    def row(self) -> dict[str, Cell]:
        """The track as a row of a table, with `emolens.contract.TRACK_COLUMNS`."""
        shown, means = self.shown, self.mean_scores.to_dict() if self.mean_scores else {}
        by_class: dict[str, Cell] = {}
        for emotion, n_episodes in zip(Emotion, self.episodes, strict=True):
            by_class[f"seconds_{emotion}"] = shown.seconds(emotion)
            by_class[f"share_{emotion}"] = shown.share(emotion)
            by_class[f"mean_{emotion}"] = means.get(emotion)
            by_class[f"episodes_{emotion}"] = n_episodes
        row = TrackRow(
            track_id=self.track_id,
            first_s=self.first_s,
            last_s=self.last_s,
            visible_s=shown.visible_s,
            n_frames=self.n_frames,
            labelled_s=sum(shown.by_label),
            uncertain_s=shown.uncertain_s,
            uncertain_share=shown.share(None),
            most_shown=None if shown.most_shown is None else shown.most_shown.label,
            n_episodes=sum(self.episodes),
            n_changes=int(self.transitions.sum()),
            n_gaps=self.n_gaps,
            gaps_s=self.gaps_s,
            **by_class,
        )
        return row.model_dump()

    def to_dict(self) -> dict[str, object]:
        """Return `record` as plain values."""
        return self.record.to_dict()
