"""Compare a temperature and class scales as calibrations of a network.

    python docs/experiments/calibration.py runs/accurate/best.ckpt --json docs/metrics/calibration.json

Cross-validated: the calibration of each face is fitted on four fifths of PublicTest without it.
"""  # noqa: E501 (commands stay on one line)

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedKFold

from emolens.classification.onnx_classifier import softmax
from emolens.evaluation.calibration import fit_class_scales, fit_temperature
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.training.checkpoint import load_checkpoint
from emolens.training.faces import load_validation_faces
from emolens.training.inference import torch_logits
from emolens.training.networks import LogitsAndCam

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
N_FOLDS = 5


def nothing(_logits: Floats, _labels: Labels, others: Floats) -> Floats:
    """Return the uncalibrated probabilities."""
    return softmax(others)


def with_temperature(logits: Floats, labels: Labels, others: Floats) -> Floats:
    """Scale all classes by one temperature."""
    return softmax(others / fit_temperature(logits, labels))


def with_class_scales(logits: Floats, labels: Labels, others: Floats) -> Floats:
    """Scale each class, then apply a temperature, as an export does."""
    scales = fit_class_scales(logits, labels).astype(np.float32)
    return with_temperature(logits * scales, labels, others * scales)


KINDS: dict[str, Callable[[Floats, Labels, Floats], Floats]] = {
    "nothing": nothing,
    "temperature": with_temperature,
    "scales per class": with_class_scales,
}


def main() -> None:
    """Print one Markdown row per kind of calibration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    loaded = load_checkpoint(options.checkpoint)
    faces = load_validation_faces(loaded.recipe)
    network = LogitsAndCam(loaded.networks).eval()
    logits = torch_logits(network, faces.images, loaded.networks[0].input_spec)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    results = []
    print("| | accuracy | macro-F1 | recall of disgust | NLL | ECE |")
    print("|---|---|---|---|---|---|")
    for name, calibrate in KINDS.items():
        shares = np.empty_like(logits)
        for fitted, held_out in folds.split(logits, faces.labels):
            shares[held_out] = calibrate(logits[fitted], faces.labels[fitted], logits[held_out])
        measured = compute_metrics(Predictions(shares.astype(np.float64), faces.labels))
        print(
            f"| {name} | {measured.accuracy:.2%} | {measured.macro_f1:.3f} "
            f"| {measured.per_class['disgust'].recall:.1%} "
            f"| {measured.nll:.3f} | {measured.ece:.3f} |"
        )
        results.append({"calibration": name, **measured.to_dict()})
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
