r"""Evaluate the mean of trained networks, for every non-empty subset of them.

    python docs/experiments/ensembles.py runs/accurate/phase-1.ckpt checkpoints/taught.ckpt \
        checkpoints/teacher-2.ckpt checkpoints/teacher-3.ckpt --json docs/metrics/ensembles.json

PublicTest, one view, calibrated like an export, on the same faces.
"""

import argparse
import json
from itertools import combinations
from pathlib import Path

import numpy as np

from emolens.classification.onnx_classifier import softmax
from emolens.evaluation.calibration import fit_class_scales, fit_temperature
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.training.checkpoint import load_checkpoint
from emolens.training.faces import load_validation_faces
from emolens.training.inference import torch_logits
from emolens.training.networks import LogitsAndCam


def main() -> None:
    """Print one Markdown row per subset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    loaded = {path.as_posix(): load_checkpoint(path) for path in options.checkpoints}
    faces = load_validation_faces(next(iter(loaded.values())).recipe)
    logits = {
        name: torch_logits(
            LogitsAndCam(checkpoint.networks).eval(),
            faces.images,
            checkpoint.networks[0].input_spec,
        )
        for name, checkpoint in loaded.items()
    }
    rows = []
    print("| networks | accuracy | macro-F1 | NLL | ECE |\n|---|---|---|---|---|")
    for size in range(1, len(logits) + 1):
        for names in combinations(logits, size):
            mean = np.mean([logits[name] for name in names], axis=0)
            scaled = mean * fit_class_scales(mean, faces.labels)
            probabilities = softmax(scaled / fit_temperature(scaled, faces.labels)).astype(
                np.float64
            )
            metrics = compute_metrics(Predictions(probabilities, faces.labels))
            rows.append(
                {
                    "networks": list(names),
                    "accuracy": metrics.accuracy,
                    "macro_f1": metrics.macro_f1,
                    "nll": metrics.nll,
                    "ece": metrics.ece,
                }
            )
            print(
                f"| {', '.join(names)} | {metrics.accuracy:.2%} | {metrics.macro_f1:.3f} "
                f"| {metrics.nll:.3f} | {metrics.ece:.3f} |"
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
