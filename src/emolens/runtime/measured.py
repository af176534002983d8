"""Measured accuracies of the shipped models, for the record of how a result was made.

`docs/results.py` writes the file from docs/metrics, which `emolens evaluate` wrote.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

MEASURED_FILE: Final = Path(__file__).parent.parent / "models" / "measured.json"


@dataclass(frozen=True, slots=True)
class MeasuredAccuracy:
    """An accuracy with one view per face.

    Attributes:
        faces: The measured faces: data set and split.
        target: Ground truth: `label` or `majority`.
        n: Number of faces.
        accuracy: Share of faces with the target as the most probable class.
        interval: Its 95 % confidence interval.
        n_leak_free: Number of faces without near-duplicates in the training rows.
        leak_free: The accuracy on these faces.
    """

    faces: str
    target: str
    n: int
    accuracy: float
    interval: tuple[float, float]
    n_leak_free: int
    leak_free: float


def measured_accuracies(sha256: str | None) -> tuple[MeasuredAccuracy, ...]:
    """Return the measured accuracies of a model file; empty for other than shipped models."""
    return _all_measured().get(sha256 or "", ())


@cache
def _all_measured() -> dict[str, tuple[MeasuredAccuracy, ...]]:
    content = json.loads(MEASURED_FILE.read_text(encoding="utf-8"))
    return {
        sha256: tuple(
            MeasuredAccuracy(**{**one, "interval": tuple(one["interval"])}) for one in measured
        )
        for sha256, measured in content.items()
    }
