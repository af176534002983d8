r"""What the mean of finished networks is worth, for every choice of one or more of them.

    python docs/experiments/ensembles.py runs/accurate/phase-1.ckpt checkpoints/taught.ckpt \
        checkpoints/teacher-2.ckpt checkpoints/teacher-3.ckpt --json docs/metrics/ensembles.json

PublicTest, one view, calibrated as an export does it, on the same faces.
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
    """Print one Markdown row per choice."""
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
            answers = softmax(scaled / fit_temperature(scaled, faces.labels)).astype(np.float64)
            found = compute_metrics(Predictions(answers, faces.labels))
            rows.append(
                {
                    "networks": list(names),
                    "accuracy": found.accuracy,
                    "macro_f1": found.macro_f1,
                    "nll": found.nll,
                    "ece": found.ece,
                }
            )
            print(
                f"| {', '.join(names)} | {found.accuracy:.2%} | {found.macro_f1:.3f} "
                f"| {found.nll:.3f} | {found.ece:.3f} |"
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
