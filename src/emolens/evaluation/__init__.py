"""Predictions in, figures out."""

__all__ = [
    "agreement",
    "benchmark",
    "calibration",
    "comparison",
    "cross",
    "evaluation",
    "leaks",
    "metrics",
    "predictions",
    "reliability",
    "slices",
]
