"""Atomic file writing, and checks of output names."""

__all__ = ["files", "jsonl", "names", "side_files"]
