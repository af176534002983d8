"""Choose the minimum confidence at which the shipped models reach an accuracy (--at-least).

    python docs/experiments/thresholds.py fer2013 --models everyday labels labels-small --json src/emolens/models/thresholds.json

A prediction is right if it is the majority vote of FER+'s raters. The faces are those of FER2013's
PublicTest without near-duplicates of training rows. `make metrics` runs this script.
"""  # noqa: E501 (commands stay on one line)

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emolens.core.progress import silently
from emolens.datasets.faces import Split
from emolens.datasets.targets import Target
from emolens.evaluation.benchmark import read_benchmark
from emolens.evaluation.predictions import Predictions, predict
from emolens.evaluation.uncertainty import Abstention, choose_threshold
from emolens.pipeline.models import Models

TARGETS = tuple(percent / 100 for percent in range(50, 100))


def reached(predictions: Predictions) -> list[Abstention]:
    """Return the threshold of each target that is reached, without repetitions.

    A target whose threshold is that of a higher target is left out.
    """
    confidence, hits = predictions.confidence, predictions.hits
    chosen: list[Abstention] = []
    for target in TARGETS:
        new = choose_threshold(confidence, hits, target)
        if new.threshold is None:
            break
        if chosen and chosen[-1].threshold == new.threshold:
            chosen.pop()
        chosen.append(new)
    return chosen


def measure(source: Path, names: Sequence[str]) -> dict[str, object]:
    """Measure models on a source with votes and training rows; the keys are their SHA-256."""
    classifiers = {name: Models(model=name).classifier for name in names}
    sizes_px = [one.input_spec.size_px for one in classifiers.values()]
    benchmark = read_benchmark(source, Split.VALIDATION, sizes_px=sizes_px, target=Target.MAJORITY)
    near = benchmark.leaks(silently).near
    if near is None:
        raise SystemExit(f"{source} has no training rows, so leaked faces are unknown.")
    rows = np.flatnonzero(~near)
    models: dict[str, object] = {}
    for name, classifier in classifiers.items():
        predictions = predict(classifier, benchmark.faces(classifier)).take(rows)
        models[classifier.model_sha256] = {
            "model": name,
            "n": len(rows),
            "accuracy": float(predictions.hits.mean()),
            "thresholds": [_row(one) for one in reached(predictions)],
        }
    return models


def _row(chosen: Abstention) -> dict[str, float | None]:
    """Format a row; rounding down a threshold keeps the faces that have exactly this confidence."""
    threshold = np.floor((chosen.threshold or 0) * 1e6) / 1e6
    return {
        "at_least": chosen.target_accuracy,
        "min_confidence": 0.0 if chosen.coverage == 1 else float(threshold),
        "coverage": round(chosen.coverage, 4),
        "accuracy": round(chosen.accuracy or 0, 4),
    }


def text_of(models: dict[str, object]) -> str:
    """Format the file, with one line per threshold."""
    text = json.dumps(models, indent=1)
    return re.sub(r"\n {4}(?! )|\n {3}(?=\})", " ", text) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    text = text_of(measure(options.data, options.models))
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
