"""Summary of a video or live session as text."""

from collections.abc import Iterator, Sequence
from typing import Final

from emolens.core.emotion import Emotion
from emolens.reports.text import Block, TextTable
from emolens.sessions.session import Session
from emolens.sessions.track_summary import TrackSummary

# A longer table is hard to read.
_MAX_SHOWN: Final = 20
_MAX_CUTS_SHOWN: Final = 6


def session_text(session: Session) -> Iterator[Block]:
    """List the tracks in a table; of many tracks, only the longest visible ones."""
    if session.cuts_s:
        yield f"{session.n_shots:,} shots; tracks end at each cut: {_times(session.cuts_s)}"
    if not session.tracks:
        yield "no face detected"
        return
    shown = sorted(session.tracks, key=lambda track: -track.shown.visible_s)[:_MAX_SHOWN]
    rows = [
        (
            str(track.track_id),
            f"{track.shown.visible_s:.1f} s",
            f"{track.first_s:.1f} - {track.last_s:.1f} s",
            _shares(track),
        )
        for track in sorted(shown, key=lambda track: track.track_id)
    ]
    yield TextTable(
        ("track", "visible", "from - to", "apparent expressions, shares of the visible time"),
        rows,
        right=frozenset({0}),
        folded=frozenset({3}),
    )
    n_more = session.n_tracks - len(shown)
    if n_more:
        yield f"and {n_more} more, visible for a shorter time"


def _times(cuts_s: Sequence[float]) -> str:
    times = [f"{at_s:.1f} s" for at_s in cuts_s[:_MAX_CUTS_SHOWN]]
    return ", ".join([*times, "..."] if len(cuts_s) > len(times) else times)


def _shares(track: TrackSummary) -> str:
    labels: list[Emotion | None] = [*Emotion, None]
    parts = [(track.shown.share(label) or 0.0, label) for label in labels]
    occurring = sorted(
        ((share, label) for share, label in parts if share >= 0.005), key=lambda p: -p[0]
    )
    return ", ".join(
        f"{'uncertain' if label is None else label.label} {share:.0%}" for share, label in occurring
    )
