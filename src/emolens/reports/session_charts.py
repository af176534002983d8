"""The charts of a session page: their data, and their content in words."""

import base64
from dataclasses import dataclass

import numpy as np

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.rendering.palette import ABSTAINED_RGB, EDGE_RGB, EMOTION_RGB, Color
from emolens.reports.page import percent
from emolens.sessions.session import Session
from emolens.sessions.track_summary import UNCERTAIN, ShownTime, TrackSummary

LABELS_SHOWN: tuple[Emotion | None, ...] = (*Emotion, None)
"""The classes and, last, uncertainty."""

STEPS = 200
"""Probabilities are stored as whole numbers from 0 to this one."""
ABSENT = "."
"""A bin in which a track is not visible."""
NO_SCORES = 255
"""The probability in a bin without scores."""
_ROW_PX = 26


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of a page.

    Attributes:
        element_id: ID of its element in the page.
        description: Its content in words, for screen readers.
        height_px: Height of the plot, in CSS pixels.
    """

    element_id: str
    description: str
    height_px: int


def label_name(label: Emotion | None) -> str:
    """The name of a label, `UNCERTAIN` for None."""
    return UNCERTAIN if label is None else label.label


def label_color(label: Emotion | None) -> str:
    """The colour of a label, e.g. `"#d55e00"`."""
    return _hex(ABSTAINED_RGB if label is None else EMOTION_RGB[label])


def label_background(label: Emotion | None) -> str:
    """The CSS background of a label: its colour, or lines for uncertainty as in the charts."""
    color = label_color(label)
    if label is not None:
        return color
    return f"repeating-linear-gradient(135deg, {color} 0 1.5px, #fff 1.5px 4.5px)"


def _hex(color: Color) -> str:
    red, green, blue = color
    return f"#{red:02x}{green:02x}{blue:02x}"


def clock_text(at_s: float) -> str:
    """A time as on a clock: 83.25 s as "1:23.2", 3723 s as "1:02:03.0"."""
    tenths = round(abs(at_s) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10:02d}.{rest % 10}"
    sign = "-" if at_s < 0 and tenths else ""
    return f"{sign}{hours}:{minutes:02d}:{seconds}" if hours else f"{sign}{minutes}:{seconds}"


def shares_text(shown: ShownTime) -> str:
    """The shares of the visible time in words, largest first."""
    labels = [label for label in LABELS_SHOWN if shown.seconds(label) > 0]
    labels.sort(key=shown.seconds, reverse=True)
    texts = [f"{label_name(label)} {percent(shown.share(label), 0)}" for label in labels]
    return ", ".join(texts) or "nothing shown"


def mostly_text(shown: ShownTime) -> str:
    """Name the label shown longest, with its share, but uncertainty first where it is longer."""
    label = shown.most_shown
    if label is None:
        return "never labelled"
    share = percent(shown.share(label), 0)
    if shown.uncertain_s <= shown.seconds(label):
        return f"mostly {label.label} ({share} of the visible time)"
    uncertain = percent(shown.share(None), 0)
    return (
        f"uncertain for {uncertain} of the visible time, otherwise mostly {label.label} ({share})"
    )


def longest_text(shown: ShownTime) -> tuple[str, str]:
    """Name what all faces of a session show longest, and its share."""
    if not shown.visible_s:
        return "nothing", "no face"
    longest = max(LABELS_SHOWN, key=shown.seconds)
    share = f"{percent(shown.share(longest), 0)} of the visible time of all faces"
    label = shown.most_shown
    if longest is not None or label is None:
        return label_name(longest), share
    return UNCERTAIN, f"{share}, otherwise mostly {label.label} ({percent(shown.share(label), 0)})"


def overview_chart(tracks: tuple[TrackSummary, ...]) -> Chart:
    """Describe the chart of all tracks: one row per track, the first one on top."""
    rows = "; ".join(
        f"track {track.track_id} from {clock_text(track.first_s)} to "
        f"{clock_text(track.last_s)}, {mostly_text(track.shown)}"
        for track in tracks
    )
    description = f"Apparent expressions over time, one row per track: {rows}."
    return Chart("overview", description, 60 + _ROW_PX * len(tracks))


def track_chart(track: TrackSummary) -> Chart:
    """Describe the chart of one track: its mean probabilities, stacked, above its label."""
    gaps = f"{track.n_gaps} gaps" if track.n_gaps != 1 else "1 gap"
    description = (
        f"Probabilities of track {track.track_id} over time, from {clock_text(track.first_s)} "
        f"to {clock_text(track.last_s)}, {gaps}. "
        f"Shares of the visible time: {shares_text(track.shown)}."
    )
    return Chart(f"track-{track.track_id}", description, 300)


def chart_data(session: Session, rows: tuple[TrackSummary, ...]) -> dict[str, object]:
    """Collect the data that `templates/session.js` draws.

    Args:
        session: At least one track.
        rows: The tracks of the overview, the first one on top.

    Returns:
        `labels` (name and colour), `edge` (colour of the edges of areas), `start_s` and `bin_s` of
        the time grid, `range_s` and `cuts_s` of the session, the constants `steps`, `absent` and
        `no_scores`, `overview` (track IDs) and `tracks` by ID. See `_track_data` for a track.
    """
    timeline = session.tracks[0].timeline
    return {
        "labels": [[label_name(label), label_color(label)] for label in LABELS_SHOWN],
        "edge": _hex(EDGE_RGB),
        "start_s": timeline.start_s,
        "bin_s": timeline.bin_s,
        "range_s": [session.start_s, session.end_s],
        "cuts_s": [round(at_s, 3) for at_s in session.cuts_s],
        "steps": STEPS,
        "absent": ABSENT,
        "no_scores": NO_SCORES,
        "overview": [track.track_id for track in rows],
        "tracks": {str(track.track_id): _track_data(track) for track in session.tracks},
    }


def _track_data(track: TrackSummary) -> dict[str, object]:
    """The bins of one track, compactly.

    Returns:
        `first`, the index of the first bin; `shown`, one character per bin: the place of its label
        in `LABELS_SHOWN`, or `ABSENT`; `probabilities`, base64 of uint8 (7, bins) in units of
        1 / `STEPS`, or `NO_SCORES`; `range_s`, from the first to the last moment.
    """
    bins = track.timeline.bins
    first, last = (bins[0].index, bins[-1].index) if bins else (0, -1)
    shown = [ABSENT] * (last + 1 - first)
    probabilities = np.full((N_EMOTIONS, len(shown)), NO_SCORES, np.uint8)
    for entry in bins:
        place = entry.index - first
        shown[place] = str(LABELS_SHOWN.index(entry.label))
        if entry.scores is not None:
            probabilities[:, place] = np.rint(entry.scores.probabilities * STEPS)
    return {
        "first": first,
        "shown": "".join(shown),
        "probabilities": base64.b64encode(probabilities.tobytes()).decode("ascii"),
        "range_s": [track.first_s, track.last_s],
    }
