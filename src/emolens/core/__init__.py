"""Types, ports and errors that all other packages share.

The package uses only numpy and the standard library. It has no I/O, clock, logging or threads.
"""

__all__ = [
    "command_line",
    "description",
    "emotion",
    "errors",
    "face",
    "frame",
    "geometry",
    "installation",
    "libraries",
    "manifest",
    "ports",
    "progress",
    "records",
    "version",
]
