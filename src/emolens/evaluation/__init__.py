"""Metrics of classifiers on labelled faces."""

__all__ = [
    "agreement",
    "benchmark",
    "by_group",
    "calibration",
    "comparison",
    "cross",
    "detection",
    "evaluation",
    "leaks",
    "metrics",
    "predictions",
    "reliability",
    "slices",
]
