"""Minimum confidences at which the shipped models reach an accuracy, as measured.

A prediction is correct if it equals the majority vote of FER+'s raters. The accuracy is an average
over faces like FER2013's, no guarantee for a single face or for other photographs. It holds for
new faces of this kind with 95 % confidence.

Source: docs/experiments/thresholds.py, which writes the file.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError

_FILE: Final = Path(__file__).parent.parent / "models" / "thresholds.json"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A minimum confidence and what it was measured to do.

    Attributes:
        at_least: Accuracy that the labels reach, 0..1.
        min_confidence: Minimum confidence of a label, 0..1.
        coverage: Share of the measured faces that get a label, 0..1.
        accuracy: Accuracy of these labels, 0..1.
    """

    at_least: float
    min_confidence: float
    coverage: float
    accuracy: float

    def __str__(self) -> str:
        return (
            f"minimum confidence {self.min_confidence:.2f}: labels for {self.coverage:.0%} of the "
            f"measured faces, {self.accuracy:.0%} of them correct"
        )


def find_threshold(model_sha256: str, at_least: float) -> Threshold:
    """Return the threshold of highest coverage that reaches an accuracy.

    Args:
        model_sha256: SHA-256 of the model file.
        at_least: Accuracy of the labels, 0..1.

    Raises:
        ConfigError: `at_least` is out of range, the model does not reach it, or the model was not
            measured.
    """
    if not 0 <= at_least <= 1:
        raise ConfigError(
            f"at_least (--at-least) is {at_least:g}; allowed: 0 to 1. Use 0.9 for 90 %."
        )
    measured = json.loads(_FILE.read_text(encoding="utf-8"))
    if model_sha256 not in measured:
        names = ", ".join(model["model"] for model in measured.values())
        raise ConfigError(
            f"at_least (--at-least) is known for the models {names} only. Measure thresholds of "
            "this model with `emolens evaluate`, and use min_confidence (--min-confidence)."
        )
    thresholds = [Threshold(**row) for row in measured[model_sha256]["thresholds"]]
    for threshold in thresholds:
        if threshold.at_least >= at_least:
            return threshold
    raise ConfigError(
        f"at_least (--at-least) is {at_least:g}; the model {measured[model_sha256]['model']} "
        f"reaches {thresholds[-1].at_least:g} on the measured faces. Use a lower value."
    )
