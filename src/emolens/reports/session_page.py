"""A video or live session as one page that opens offline, without faces unless requested."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Protocol

import numpy as np
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from emolens.contract import Provenance
from emolens.core.emotion import LABELS, Emotion
from emolens.reports.page import file_data_uri, render_page
from emolens.reports.session_charts import (
    LABELS_SHOWN,
    Chart,
    chart_data,
    clock_text,
    label_background,
    label_name,
    longest_text,
    mostly_text,
    overview_chart,
    track_chart,
)
from emolens.reports.text import model_text
from emolens.sessions.session import Session
from emolens.sessions.track_summary import TrackSummary

# Tracks beyond these stand in a part of the page that has to be opened.
_N_OPEN = 12
_N_OVERVIEW = 40
_N_GAPS = 20


class Percentiles(Protocol):
    """Percentiles of a duration in milliseconds."""

    @property
    def p50_ms(self) -> float:
        """Half of the runs take no longer."""
        ...

    @property
    def p95_ms(self) -> float:
        """19 of 20 runs take no longer."""
        ...

    @property
    def p99_ms(self) -> float:
        """99 of 100 runs take no longer."""
        ...


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of processing.

    Attributes:
        frames_per_s: Frames processed in a second of real time, or None if unknown.
        realtime_factor: Seconds of media processed in a second of real time, or None.
        stages: How long each stage took, by its name.
    """

    frames_per_s: float | None = None
    realtime_factor: float | None = None
    stages: Mapping[str, Percentiles] = field(default_factory=dict)


def session_page(
    session: Session, *, title: str, speed: Speed, source: str, made: Provenance
) -> str:
    """Fill `templates/session.html`; the same session gives the same text.

    Args:
        session: The session to show.
        title: Heading of the page.
        speed: The speed of processing.
        source: Where the frames come from: the name of a file, without its folders.
        made: The record of how the session was made.

    Returns:
        HTML with uPlot inside, or without any script where no face was tracked.
    """
    longest = sorted(session.tracks, key=lambda track: -track.shown.visible_s)
    shown_first = {track.track_id for track in longest[:_N_OPEN]}
    in_overview = {track.track_id for track in longest[:_N_OVERVIEW]}
    rows = tuple(track for track in session.tracks if track.track_id in in_overview)
    views = [_view(track) for track in session.tracks]
    return render_page(
        "session.html",
        session=session,
        title=title,
        speed=speed,
        source=source,
        model=model_text(made.model.name, made.model.sha256) if made.model else "unknown",
        overview=overview_chart(rows) if rows else None,
        open_views=[view for view in views if view.track.track_id in shown_first],
        more_views=[view for view in views if view.track.track_id not in shown_first],
        longest=longest_text(session.shown),
        legend=[(label_name(label), label_background(label)) for label in LABELS_SHOWN],
        n_gaps=_N_GAPS,
        n_rows=len(in_overview),
        clock=clock_text,
        duration=duration_text,
        scripts=_scripts(chart_data(session, rows) if rows else None),
        made=made,
    )


def duration_text(duration_s: float) -> str:
    """A duration that is easy to read: "0.84 s", "42.1 s", "3 min 05 s", "2 h 10 min"."""
    if duration_s < 59.95:
        return f"{duration_s:.{1 if duration_s >= 9.995 else 2}f}\u00a0s"
    minutes, seconds = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes}\u00a0min {seconds:02d}\u00a0s"
    hours, minutes = divmod(round(duration_s / 60), 60)
    return f"{hours}\u00a0h {minutes:02d}\u00a0min"


@dataclass(frozen=True, slots=True)
class _ShareRow:
    label: str
    color: str
    seconds: float
    share: float | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class _Cell:
    count: int
    opacity: float


@dataclass(frozen=True, slots=True)
class _Changes:
    """The rows and columns of the transitions in which there are any."""

    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[_Cell, ...]], ...]
    n: int


@dataclass(frozen=True, slots=True)
class _View:
    track: TrackSummary
    chart: Chart
    mostly: str
    shares: tuple[_ShareRow, ...]
    changes: _Changes
    thumbnail: str | None


def _view(track: TrackSummary) -> _View:
    jpeg = track.thumbnail_jpeg
    return _View(
        track=track,
        chart=track_chart(track),
        mostly=mostly_text(track.shown),
        shares=tuple(_share_row(track, label) for label in LABELS_SHOWN),
        changes=_changes(track),
        thumbnail=None if jpeg is None else file_data_uri(jpeg, "image/jpeg"),
    )


def _share_row(track: TrackSummary, label: Emotion | None) -> _ShareRow:
    scores, mean = track.mean_scores, None
    if scores is not None and label is not None:
        mean = scores[label]
    return _ShareRow(
        label=label_name(label),
        color=label_background(label),
        seconds=track.shown.seconds(label),
        share=track.shown.share(label),
        mean=mean,
    )


def _changes(track: TrackSummary) -> _Changes:
    counts = track.transitions
    occurring = np.flatnonzero(counts.any(axis=0) | counts.any(axis=1))
    labels = tuple(LABELS[index] for index in occurring)
    most = max(int(counts.max()), 1)
    rows = tuple(
        (
            label,
            tuple(_Cell(int(n), round(0.45 * int(n) / most, 2)) for n in counts[index, occurring]),
        )
        for label, index in zip(labels, occurring, strict=True)
    )
    return _Changes(labels, rows, int(np.sum(counts)))


@dataclass(frozen=True, slots=True)
class _Scripts:
    """What a page runs.

    Attributes:
        code: The scripts, in order.
        hashes: Their digests for the content security policy, which lets only these run.
        charts: What they draw, as JSON.
        style: The style sheet that the charts need.
    """

    code: tuple[Markup, ...]
    hashes: tuple[str, ...]
    charts: Markup
    style: Markup


def _scripts(charts: Mapping[str, object] | None) -> _Scripts:
    if charts is None:
        return _Scripts((), (), Markup("{}"), Markup())
    code = (_template("vendor/uplot.js"), _template("session.js"))
    return _Scripts(
        code=tuple(Markup(text) for text in code),  # noqa: S704 (both are files of this package)
        hashes=tuple(_csp_hash(text) for text in code),
        charts=htmlsafe_json_dumps(charts, dumps=_compact_json),
        style=Markup(_template("vendor/uplot.css")),  # noqa: S704 (likewise)
    )


def _template(name: str) -> str:
    return files("emolens.reports").joinpath("templates", name).read_text("utf-8")


def _compact_json(charts: object, **_kwargs: object) -> str:
    return json.dumps(charts, allow_nan=False, separators=(",", ":"))


def _csp_hash(code: str) -> str:
    digest = hashlib.sha256(code.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
