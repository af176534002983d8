"""What was seen in a stream: recorder, tracks, summary."""

__all__ = ["session", "track_summary"]
