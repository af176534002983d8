"""Labelled faces from files: readers for data sets as they are given out, with their data sheets.

`formats` looks at what a source is, `loading` reads it, `reading` counts what is left out and
`summary` what is there; one module per format does the reading, and `faces` has the types they all
give. `targets` turns FER+'s votes into what a network is to say.
"""

__all__ = [
    "clean_file",
    "cleaning",
    "duplicates",
    "faces",
    "formats",
    "label_map",
    "loading",
    "reading",
    "sheet",
    "summary",
    "targets",
    "votes",
]
