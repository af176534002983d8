"""Metrics of classifiers on labelled faces."""

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
