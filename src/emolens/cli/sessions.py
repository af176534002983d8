"""What a stream's end says: one line per track."""

from rich.table import Table

from emolens.cli.terminal import say, stdout_console
from emolens.core.emotion import Emotion
from emolens.sessions.session import Session
from emolens.sessions.track_summary import TrackSummary

# A table of more tracks than this is no longer read.
_MAX_SHOWN = 20


def show_session(session: Session) -> None:
    """Print one line per track, the longest visible first where there are many."""
    if not session.tracks:
        say("no face found")
        return
    shown = sorted(session.tracks, key=lambda track: -track.shown.visible_s)[:_MAX_SHOWN]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("track", justify="right")
    table.add_column("visible", no_wrap=True)
    table.add_column("from - to", no_wrap=True)
    table.add_column("apparent expressions", overflow="fold")
    for track in sorted(shown, key=lambda track: track.track_id):
        table.add_row(
            str(track.track_id),
            f"{track.shown.visible_s:.1f} s",
            f"{track.first_s:.1f} - {track.last_s:.1f} s",
            _shares(track),
        )
    stdout_console().print(table)
    n_more = session.n_tracks - len(shown)
    if n_more:
        say(f"and {n_more} more, visible for a shorter time")


def _shares(track: TrackSummary) -> str:
    labels: list[Emotion | None] = [*Emotion, None]
    parts = [(track.shown.share(label) or 0.0, label) for label in labels]
    named = sorted(
        ((share, label) for share, label in parts if share >= 0.005), key=lambda p: -p[0]
    )
    return ", ".join(
        f"{'uncertain' if label is None else label.label} {share:.0%}" for share, label in named
    )
