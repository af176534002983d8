"""Files that appear under their name only when they are complete."""

__all__ = ["files", "jsonl"]
