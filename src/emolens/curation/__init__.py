"""Data sets looked over: audits, copies, clean lists."""

__all__ = ["audit", "audited_faces", "clean_rows"]
