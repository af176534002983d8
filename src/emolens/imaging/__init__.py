"""Decode, crop, preprocess and assess images; pure functions only."""

__all__ = [
    "animations",
    "bgr",
    "closeup",
    "crop",
    "decode",
    "exposure",
    "halve",
    "image_text",
    "inputs",
    "kinds",
    "limits",
    "listing",
    "preprocess",
    "pyav",
    "quality",
    "turn",
]
