"""Compare single keys of a recipe on a small network with two seeds.

    python docs/experiments/compare.py imbalance $EMOLENS_DATA/fer2013 --json docs/metrics/imbalance.json
    python docs/experiments/compare.py ingredients $EMOLENS_DATA/fer2013 --json docs/metrics/ingredients.json

Finished runs in `runs/compare` are not repeated, so the script can be interrupted.
"""  # noqa: E501 (commands stay on one line)

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from emolens.classification.onnx_classifier import softmax
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.training.checkpoint import load_checkpoint
from emolens.training.faces import load_validation_faces
from emolens.training.fit import fit
from emolens.training.inference import torch_logits
from emolens.training.networks import LogitsAndCam
from emolens.training.recipe import Recipe

Keys = dict[str, dict[str, object]]
SETS: dict[str, dict[str, Keys]] = {
    "imbalance": {
        "nothing": {},
        "class weights, square root": {"loss": {"class_weights": "sqrt"}},
        "class weights, inverse": {"loss": {"class_weights": "inverse"}},
        "class weights, effective number": {"loss": {"class_weights": "effective"}},
        "sampling, square root": {"data": {"sampling": "sqrt"}},
        "sampling, balanced": {"data": {"sampling": "balanced"}},
        "focal loss, gamma 2": {"loss": {"focal_gamma": 2.0}},
        "logit adjustment, tau 1": {"loss": {"logit_adjustment": 1.0}},
    },
    "ingredients": {
        "nothing": {},
        "FER+ votes, weight 0.3": {"loss": {"vote_weight": 0.3}},
        "FER+ votes, weight 1": {"loss": {"vote_weight": 1.0}},
        "mirrored filters": {"network": {"mirrored": True}},
        "mirrored filters, votes 1": {"network": {"mirrored": True}, "loss": {"vote_weight": 1.0}},
        "no mixing": {"augment": {"mix": 0.0}},
        "cleaned rows": {"data": {"drop": ["not_a_face", "duplicates", "conflicts"]}},
        "leak-free rows": {"data": {"drop": ["leaks"]}},
    },
}
SEEDS = (0, 1)


def recipe_of(keys: Keys, seed: int, source: Path) -> Recipe:
    """Return a small ResNet at 32 px that trains in one or two minutes on two CPU cores."""
    network = {"channels": [16, 32, 64, 128], "stem_channels": 8, "size_px": 32}
    return Recipe.model_validate(
        {
            "name": "compare",
            "seed": seed,
            "data": {"source": source, **keys.get("data", {})},
            "network": {**network, **keys.get("network", {})},
            "augment": keys.get("augment", {}),
            "loss": keys.get("loss", {}),
            "hardware": {"precision": "bf16"},
            "phases": [{"epochs": 12, "peak_rate": 4e-3, "warmup_epochs": 1, "plain_epochs": 2}],
        }
    )


def metrics_of(name: str, keys: Keys, seed: int, source: Path, run_dir: Path) -> dict[str, Any]:
    """Train unless finished, and measure the uncalibrated network."""
    finished = run_dir / "best.ckpt"
    if not finished.exists():
        started = (run_dir / "recipe.toml").exists()
        fit(recipe_of(keys, seed, source), run_dir, resume=started)
    loaded = load_checkpoint(finished)
    faces = load_validation_faces(loaded.recipe)
    network = LogitsAndCam(loaded.networks).eval()
    logits = torch_logits(network, faces.images, loaded.networks[0].input_spec)
    metrics = compute_metrics(Predictions(softmax(logits).astype(np.float64), faces.labels))
    disgust = metrics.per_class["disgust"]
    return {
        "variant": name,
        "seed": seed,
        "accuracy": metrics.accuracy,
        "macro_f1": metrics.macro_f1,
        "balanced_accuracy": metrics.balanced_accuracy,
        "disgust_recall": disgust.recall,
        "disgust_precision": disgust.precision,
    }


def main() -> None:
    """Train every variant with every seed, print the table and write the metrics."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("source", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    variants = SETS[options.set]
    folder = Path("runs/compare") / options.set
    runs = [
        metrics_of(name, keys, seed, options.source, folder / f"{index}-{seed}")
        for seed in SEEDS
        for index, (name, keys) in enumerate(variants.items())
    ]
    print(
        "| | accuracy, % | macro-F1 | balanced accuracy, % "
        "| recall of disgust, % | precision of disgust, % |"
    )
    print("|---|---|---|---|---|---|")
    for name in variants:
        of_variant = [run for run in runs if run["variant"] == name]
        cells = [
            _mean_and_range(of_variant, key, digits=3 if key == "macro_f1" else 1)
            for key in runs[0]
            if key not in {"variant", "seed"}
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    if options.json:
        options.json.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")


def _mean_and_range(runs: list[dict[str, Any]], key: str, *, digits: int) -> str:
    """Format the mean over the seeds with the range in brackets; shares in percent."""
    factor = 1 if digits == 3 else 100
    values = [factor * (run[key] or 0.0) for run in runs]
    low, high = min(values), max(values)
    return f"{np.mean(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


if __name__ == "__main__":
    main()
