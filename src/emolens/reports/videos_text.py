"""Results of several videos as text."""

from collections.abc import Sequence

from emolens.reports.text import TextTable
from emolens.sessions.session import Session


def videos_table(sessions: Sequence[tuple[str, Session | None]]) -> TextTable:
    """Create a table with one row per video.

    Args:
        sessions: Path and session of each video; None for a video without a result.
    """
    rows = [(path, *_cells(session)) for path, session in sessions]
    return TextTable(
        ("video", "frames", "duration", "tracks", "shown longest"),
        rows,
        right=frozenset({1, 2, 3}),
        folded=frozenset({0}),
    )


def _cells(session: Session | None) -> tuple[str, str, str, str]:
    if session is None:
        return "", "", "", "failed"
    most_shown = session.shown.most_shown
    if most_shown is None:
        shown = "uncertain" if session.tracks else "no face detected"
    else:
        shown = f"{most_shown.label} {session.shown.share(most_shown) or 0:.0%}"
    return (
        f"{session.n_frames:,}",
        f"{session.duration_s:.1f} s",
        str(session.n_tracks),
        shown,
    )
