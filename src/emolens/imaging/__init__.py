"""Pixels in, pixels out: decode, crop, preprocess, judge; pure functions only."""

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
