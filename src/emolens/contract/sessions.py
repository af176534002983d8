"""Records of a whole video or live session; times are media times in seconds."""

from typing import Annotated, Any, Final

from pydantic import Field, create_model

from emolens.contract.base import SCHEMA_VERSION, Label, Probabilities, Record, Share
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
    episodes: dict[str, int] = Field(
        json_schema_extra={"propertyNames": {"enum": list(LABELS)}},
        description="Number of times in which a class is shown without interruption.",
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


class _TrackColumns(Record):
    track_id: int = Field(description="Number of the track.")
    first_s: float = Field(description="Time of first visibility in seconds.")
    last_s: float = Field(description="End of the last visibility in seconds.")
    visible_s: Seconds = Field(description="Visible time in seconds.")
    n_frames: int = Field(ge=0, description="Frames in which the track is visible.")
    labelled_s: Seconds = Field(description="Seconds with a label.")
    uncertain_s: Seconds = Field(description="Seconds in which emolens abstains.")
    uncertain_share: Share | None = Field(description="`uncertain_s` as a share of `visible_s`.")
    most_shown: Label | None = Field(description="The label shown longest.")
    n_episodes: int = Field(ge=0, description="Sum of the `episodes_` columns.")
    n_changes: int = Field(ge=0, description="Changes from one label directly to another.")
    n_gaps: int = Field(ge=0, description="Number of gaps without visibility.")
    gaps_s: Seconds = Field(description="Total duration of the gaps in seconds.")


_CLASS_COLUMNS: Final[dict[str, tuple[Any, str]]] = {
    "seconds": (Seconds, "Seconds in which {label} is shown."),
    "share": (Share | None, "`seconds_{label}` as a share of `visible_s`."),
    "mean": (Share | None, "Mean of the smoothed probability of {label} over the visible time."),
    "episodes": (int, "Number of times in which {label} is shown without interruption."),
}
_BY_CLASS: Final[dict[str, Any]] = {
    f"{name}_{label}": (kind, Field(description=description.format(label=label)))
    for name, (kind, description) in _CLASS_COLUMNS.items()
    for label in LABELS
}
TrackRow: Final[type[Record]] = create_model(
    "TrackRow",
    __base__=_TrackColumns,
    __doc__="A row of `emolens video --summary`: one track.",
    **_BY_CLASS,
)
TRACK_COLUMNS: Final = tuple(TrackRow.model_fields)
"""The columns of a table of tracks, in order."""
