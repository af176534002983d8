"""Decode, crop, preprocess and assess images; pure functions only."""

__all__ = [
    "bgr",
    "closeup",
    "crop",
    "decode",
    "exposure",
    "halve",
    "kinds",
    "limits",
    "listing",
    "preprocess",
    "pyav",
    "quality",
    "turn",
]
