"""The charts of a session page, as plotly's figures in plain lists and dicts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emolens.core.emotion import Emotion
from emolens.rendering.palette import ABSTAINED_RGB, EMOTION_RGB
from emolens.reports.page import percent
from emolens.sessions.session import Session
from emolens.sessions.track_summary import UNCERTAIN, ShownTime, Timeline, TimelineBin, TrackSummary

LABELS_SHOWN: tuple[Emotion | None, ...] = (*Emotion, None)
"""The classes and, last, uncertainty."""

_TEXT, _LINE, _GRID = "#1c1c1e", "#8a8a8a", "#e3e3e3"
_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
# Dates of plotly and Python end with the year 9999; before 1000 they are written differently.
_EARLIEST_S, _LATEST_S = -3e10, 2.5e11

Figure = dict[str, object]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of a page.

    Attributes:
        element_id: Where it stands in the page.
        description: Its main figures in words, for people who do not see it.
        height_px: Its height.
        figure: `data` and `layout` for plotly.js.
    """

    element_id: str
    description: str
    height_px: int
    figure: Figure


def label_name(label: Emotion | None) -> str:
    """How a label is called, `UNCERTAIN` for None."""
    return UNCERTAIN if label is None else label.label


def label_color(label: Emotion | None) -> str:
    """The colour of a label, e.g. `"#d55e00"`."""
    red, green, blue = ABSTAINED_RGB if label is None else EMOTION_RGB[label]
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
    seen = [label for label in LABELS_SHOWN if shown.seconds(label) > 0]
    seen.sort(key=shown.seconds, reverse=True)
    texts = [f"{label_name(label)} {percent(shown.share(label), 0)}" for label in seen]
    return ", ".join(texts) or "nothing shown"


def overview_chart(session: Session, tracks: tuple[TrackSummary, ...]) -> Chart:
    """Who is visible when, and what is shown: one row per track.

    Args:
        session: Gives the range of time.
        tracks: At least one; those who get a row, the first one on top.
    """
    n_bins = 1 + max(_last_index(track) for track in tracks)
    timeline = tracks[0].timeline
    names = [f"track {track.track_id}" for track in tracks]
    height_px = 100 + 26 * len(tracks)
    layout = _layout(height_px, session.start_s, session.end_s)
    layout |= {
        "yaxis": _row_axis(names, [0, 1]) | {"autorange": "reversed"},
        "margin": {"l": 90, "r": 26, "t": 32, "b": 54},
    }
    rows = _strip(timeline, [_by_index(track) for track in tracks], 0, n_bins)
    told = "; ".join(
        f"track {track.track_id} from {clock_text(track.first_s)} to "
        f"{clock_text(track.last_s)}, mostly {_most_shown_text(track)}"
        for track in tracks
    )
    description = f"Apparent expressions shown over time, one row per track: {told}."
    return Chart("overview", description, height_px, {"data": [rows], "layout": layout})


def track_chart(track: TrackSummary) -> Chart:
    """The mean probabilities of one track over time, above what was shown; gaps stay empty."""
    entries = _by_index(track)
    first, last = min(entries, default=0), _last_index(track)
    timeline = track.timeline
    # One more, so that the last bin has an end.
    indices = range(first, last + 2)
    place = _place(timeline, first)
    data: list[Figure] = [
        _area(emotion, [_probability(entries.get(index), emotion) for index in indices]) | place
        for emotion in Emotion
    ]
    data.append(_strip(timeline, [entries], first, last + 1) | {"yaxis": "y2"})
    height_px = 340
    layout = _layout(
        height_px,
        max(timeline.start_s + first * timeline.bin_s, track.first_s),
        min(timeline.start_s + (last + 1) * timeline.bin_s, track.last_s),
    )
    layout |= {
        "yaxis": _axis() | {"domain": [0.17, 1], "range": [0, 1], "tickformat": ".0%"},
        "yaxis2": _row_axis(["shown"], [0, 0.1]),
        "hovermode": "x unified",
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.03,
            "yanchor": "bottom",
            "traceorder": "normal",
        },
        "margin": {"l": 60, "r": 26, "t": 44, "b": 54},
    }
    gaps = f"{track.n_gaps} gaps" if track.n_gaps != 1 else "1 gap"
    description = (
        f"Probabilities of track {track.track_id} over time, from {clock_text(track.first_s)} "
        f"to {clock_text(track.last_s)}, {gaps}. Shown: {shares_text(track.shown)}."
    )
    figure: Figure = {"data": data, "layout": layout}
    return Chart(f"track-{track.track_id}", description, height_px, figure)


def _most_shown_text(track: TrackSummary) -> str:
    return label_name(track.shown.most_shown)


def _by_index(track: TrackSummary) -> dict[int, TimelineBin]:
    return {entry.index: entry for entry in track.timeline.bins}


def _last_index(track: TrackSummary) -> int:
    return track.timeline.bins[-1].index if track.timeline.bins else 0


def _probability(entry: TimelineBin | None, emotion: Emotion) -> float | None:
    if entry is None or entry.scores is None:
        return None
    return round(float(entry.scores.probabilities[emotion]), 3)


def _area(emotion: Emotion, heights: list[float | None]) -> Figure:
    """One layer of the stack; it steps, so a mean holds for its bin and for nothing else."""
    is_top = emotion is max(Emotion)
    return {
        "type": "scatter",
        "name": emotion.label,
        "y": heights,
        "mode": "lines",
        "stackgroup": "probabilities",
        "stackgaps": "infer zero",
        # The topmost class is nearly white: its line closes the whole stack.
        "line": {
            "shape": "hv",
            "width": 1 if is_top else 0.5,
            "color": _LINE if is_top else "#ffffff",
        },
        "fillcolor": label_color(emotion),
        # plotly.js takes a gap in a stack for zeros, which nobody should read.
        "text": ["\u2013" if height is None else f"{height:.0%}" for height in heights],
        "hovertemplate": "%{text}",
    }


def _strip(timeline: Timeline, rows: list[dict[int, TimelineBin]], first: int, end: int) -> Figure:
    """What was shown longest in each bin, as one coloured row per track."""
    entries = [[row.get(index) for index in range(first, end)] for row in rows]
    shown = [[None if entry is None else _number(entry.label) for entry in row] for row in entries]
    n = len(LABELS_SHOWN)
    scale = [
        [edge / n, label_color(label)]
        for number, label in enumerate(LABELS_SHOWN)
        for edge in (number, number + 1)
    ]
    return {
        "type": "heatmap",
        "z": shown,
        "zmin": -0.5,
        "zmax": n - 0.5,
        "colorscale": scale,
        "showscale": False,
        "ygap": 4,
        "hoverongaps": False,
        "text": [["" if number is None else _name(number) for number in row] for row in shown],
        "hovertemplate": "%{x}: %{text}<extra></extra>",
        **_place(timeline, first, at=0.5),
    }


def _number(label: Emotion | None) -> int:
    return LABELS_SHOWN.index(label)


def _name(number: int) -> str:
    return label_name(LABELS_SHOWN[number])


def _place(timeline: Timeline, first: int, *, at: float = 0.0) -> Figure:
    """Where bins stand on the time axis; `at` is 0 for their starts, 0.5 for their middles."""
    at_s = timeline.start_s + (first + at) * timeline.bin_s
    return {"x0": _date(at_s), "dx": min(timeline.bin_s, _LATEST_S) * 1e3}


def _date(at_s: float) -> str:
    """A time for an axis of dates, which names its ticks well at every zoom."""
    seconds = min(max(at_s, _EARLIEST_S), _LATEST_S)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _axis() -> Figure:
    return {"gridcolor": _GRID, "linecolor": _LINE, "zeroline": False, "fixedrange": True}


def _row_axis(names: list[str], domain: list[float]) -> Figure:
    rows: Figure = {"tickvals": list(range(len(names))), "ticktext": names, "domain": domain}
    return _axis() | rows | {"showgrid": False, "showline": False}


def _layout(height_px: int, start_s: float, end_s: float) -> Figure:
    formats: list[Figure] = [
        {"dtickrange": [None, 100], "value": "%-M:%S.%3f"},
        {"dtickrange": [100, 1000], "value": "%-M:%S.%1f"},
        {"dtickrange": [1000, 60_000], "value": "%-M:%S" if end_s < 3600 else "%-H:%M:%S"},
        {"dtickrange": [60_000, None], "value": "%-M:%S" if end_s < 3600 else "%-H:%M"},
    ]
    time_axis: Figure = {
        "type": "date",
        "range": [_date(start_s), _date(end_s)],
        "anchor": "free",
        "position": 0,
        "tickformatstops": formats,
        "hoverformat": "%-M:%S.%1f" if end_s < 3600 else "%-H:%M:%S.%1f",
        "title": {
            "text": "time, minutes:seconds" if end_s < 3600 else "time, hours:minutes",
            "font": {"size": 12},
            "standoff": 8,
        },
        "showgrid": False,
        "fixedrange": False,
        "ticks": "outside",
        "nticks": 10,
    }
    return {
        "height": height_px,
        "font": {"family": _FONT, "size": 13, "color": _TEXT},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "xaxis": _axis() | time_axis,
        "dragmode": "zoom",
        "hoverlabel": {"font": {"family": _FONT, "size": 12}},
    }
