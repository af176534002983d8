"""Curation of data sets: audits, duplicates and lists of rows to leave out."""

__all__ = ["audit", "audited_faces", "clean_rows"]
