"""Summaries of streams: sessions and their tracks."""

__all__ = ["session", "track_summary"]
