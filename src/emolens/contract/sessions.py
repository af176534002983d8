"""Records of a whole video or live session; times are media times in seconds."""

from typing import Annotated

from pydantic import Field

from emolens.contract.base import SCHEMA_VERSION, Label, Probabilities, Record
from emolens.contract.provenance import Provenance
from emolens.core.emotion import LABELS

Seconds = Annotated[float, Field(ge=0)]
SecondsShown = Annotated[
    dict[str, Seconds],
    Field(json_schema_extra={"propertyNames": {"enum": [*LABELS, "uncertain"]}}),
]
"""Mapping of labels to seconds; `uncertain` is the time in which emolens abstains."""


class GapRecord(Record):
    """A time interval in which a track is not visible."""

    start_s: float
    end_s: float


class BinRecord(Record):
    """One bin of a time line."""

    index: int = Field(
        ge=0, description="The bin starts at timeline.start_s + index * timeline.bin_s."
    )
    visible_s: Seconds
    label: Label | None = Field(
        description="The label shown longest; null if emolens abstains longest."
    )
    probabilities: Probabilities | None = Field(description="Mean of the smoothed probabilities.")


class TimelineRecord(Record):
    """A track over time; gaps have no bins."""

    start_s: float
    bin_s: float = Field(gt=0)
    bins: list[BinRecord]


class TrackRecord(Record):
    """One track: the same face from frame to frame, not an identity."""

    track_id: int
    first_s: float
    last_s: float
    visible_s: Seconds
    n_frames: int = Field(ge=0)
    most_shown: Label | None
    seconds: SecondsShown
    mean_probabilities: Probabilities | None = Field(
        description="Mean of the smoothed probabilities."
    )
    transitions: list[list[int]] = Field(
        description="Number of label changes from row to column, in the order of the classes."
    )
    gaps: list[GapRecord] = Field(description="The longest gaps, in order of time.")
    n_gaps: int = Field(ge=0)
    gaps_s: Seconds
    timeline: TimelineRecord


class SessionRecord(Record):
    """A whole video or live session."""

    schema_version: str = SCHEMA_VERSION
    start_s: float
    end_s: float
    duration_s: Seconds
    n_frames: int = Field(ge=0)
    n_dropped: int = Field(ge=0)
    n_without_face: int = Field(ge=0)
    without_face_s: Seconds
    n_restarts: int = Field(ge=0)
    n_shots: int = Field(ge=0)
    cuts_s: list[float] = Field(
        description="Times at which a new shot begins, at most the first 10,000."
    )
    n_tracks: int = Field(ge=0)
    n_other_tracks: int = Field(ge=0, description="Tracks that are not in `tracks`.")
    others_s: Seconds
    most_shown: Label | None
    seconds: SecondsShown
    tracks: list[TrackRecord] = Field(
        description="The tracks visible longest, in order of appearance."
    )
    provenance: Provenance | None = Field(
        default=None, description="How the results were made; absent if unknown."
    )
