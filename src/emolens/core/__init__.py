"""The words of the project: types, ports and errors that every other package shares.

Only numpy and the standard library; no input or output, clock, log or thread.
"""

__all__ = [
    "emotion",
    "errors",
    "face",
    "frame",
    "geometry",
    "libraries",
    "manifest",
    "ports",
    "progress",
    "records",
]
