"""Atomic file writing."""

__all__ = ["files", "jsonl"]
