"""Readers for published data sets of labelled faces, with their data sheets.

`formats` recognises the format of a source and `loading` reads it. `reading` counts the faces that
are left out, `summary` those that are read. `readers` has one module per format, `faces` the types
that all of them return. `targets` converts FER+'s votes into training targets.
"""

__all__ = [
    "clean_file",
    "cleaning",
    "duplicates",
    "faces",
    "formats",
    "group_labels",
    "label_map",
    "loading",
    "locate",
    "reading",
    "sheet",
    "summary",
    "targets",
    "votes",
]
