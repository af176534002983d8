r"""Compare training targets: FER2013's labels and the votes of FER+'s ten raters.

    python docs/experiments/ferplus_targets.py $EMOLENS_DATA/fer2013 \
        --checkpoints checkpoints/teacher-2.ckpt checkpoints/teacher-3.ckpt \
        --runs runs/targets --json docs/metrics/ferplus-targets.json

1. Counts: the agreement of each target with FER2013's label, over all rows of the source.
2. Heads: trained networks with a head for labels and one for votes; the predictions of both heads
   and of their mixtures on PublicTest, without training.
3. Targets: the same small network from scratch, once per target, all else equal. Finished runs are
   not repeated.

All predictions are compared with FER2013's labels and with the raters, on the same faces.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from emolens.classification.onnx_classifier import softmax
from emolens.core.emotion import LABELS
from emolens.core.errors import ConfigError, DatasetError
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import load_faces
from emolens.datasets.targets import Target, vote_targets
from emolens.datasets.votes import majority_votes, vote_columns
from emolens.evaluation.agreement import vote_agreement
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.training.checkpoint import load_checkpoint
from emolens.training.fit import BEST_CHECKPOINT, RESOLVED_RECIPE, fit
from emolens.training.inference import in_chunks
from emolens.training.networks import ExpressionNetwork
from emolens.training.recipe import Recipe

_MIXTURES = (0.0, 0.25, 0.5, 0.75, 1.0)
Logits = npt.NDArray[np.float64]
# The target of the label head and the loss weight of the vote head of each run.
_RUNS: Mapping[str, tuple[Target, float]] = {
    "label": (Target.LABEL, 0.0),
    "label and votes": (Target.LABEL, 1.0),
    "majority": (Target.MAJORITY, 0.0),
    "soft": (Target.SOFT, 0.0),
    "multi": (Target.MULTI, 0.0),
}


def main() -> None:
    """Print three Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--checkpoints", nargs="+", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    record: dict[str, object] = {"counts": target_counts(load_faces(options.source))}
    validation = load_faces(options.source, Split.VALIDATION)
    # Logits that predict the label with certainty.
    record["labels_themselves"] = metrics_of(
        50 * np.eye(len(LABELS))[validation.labels], validation
    )
    record["heads"] = measure_heads(options.checkpoints, validation)
    record["targets"] = measure_targets(options.source, options.runs, validation)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def votes_of(faces: FaceSet) -> npt.NDArray[np.uint8]:
    """Return the votes uint8 (N, 10) of faces; raise `DatasetError` without votes."""
    if faces.votes is None:
        raise DatasetError("the source has no FER+ votes")
    return faces.votes


def target_counts(faces: FaceSet) -> dict[str, object]:
    """Count the faces with each target and their agreement with FER2013's label."""
    votes = votes_of(faces)
    columns = vote_columns()
    found: dict[str, object] = {"n": len(faces)}
    ours = votes[:, columns]
    most = ours.argmax(axis=1)
    is_unique = (ours == ours.max(axis=1, keepdims=True)).sum(axis=1) == 1
    found["most votes of the seven, ties to the first"] = _agreement(most, faces.labels)
    found["most votes of the seven, unique"] = _agreement(
        np.where(is_unique, most, -1), faces.labels
    )
    of_column = np.full(votes.shape[1] + 1, -1)
    of_column[columns] = np.arange(len(LABELS))
    unique = of_column[majority_votes(votes)]
    found["most votes of all ten answers, unique"] = _agreement(unique, faces.labels)
    for target in (Target.MAJORITY, Target.SOFT, Target.MULTI):
        targets = vote_targets(votes, target)
        found[target] = {
            **_agreement(targets.labels, faces.labels),
            "without": dict(Counter(targets.reasons[targets.labels < 0].tolist())),
            "label_is_among_the_right_ones": float(
                (targets.shares[np.arange(len(faces)), faces.labels] > 0)[
                    targets.labels >= 0
                ].mean()
            ),
        }
    print("| answer | faces | FER2013's label |", *LABELS, "|", sep=" | ")
    print("|---" * (4 + len(LABELS)) + "|")
    for name, one in found.items():
        if isinstance(one, dict):
            shares = " | ".join(f"{share:.1%}" for share in one["per_class"].values())
            print(f"| {name} | {one['n']} | {one['share']:.1%} | {shares} |")
    return found


def _agreement(classes: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> dict[str, object]:
    """Measure the agreement with the label over faces with a class (not -1)."""
    rows = classes >= 0
    hits = classes == labels
    return {
        "n": int(rows.sum()),
        "share": float(hits[rows].mean()),
        "per_class": {
            label: float(hits[rows & (labels == number)].mean())
            for number, label in enumerate(LABELS)
        },
        "counts": dict(zip(LABELS, np.bincount(classes[rows], minlength=7).tolist(), strict=True)),
    }


def metrics_of(logits: Logits, faces: FaceSet) -> dict[str, object]:
    """Measure logits (N, 7) against labels and raters."""
    votes = votes_of(faces)
    probabilities = softmax(logits.astype(np.float32)).astype(np.float64)
    predictions = Predictions(probabilities, faces.labels)
    against_labels = compute_metrics(predictions)
    majority = vote_targets(votes, Target.MAJORITY).labels
    rows = np.flatnonzero(majority >= 0)
    against_majority = compute_metrics(Predictions(predictions.probabilities[rows], majority[rows]))
    return {
        "accuracy": against_labels.accuracy,
        "macro_f1": against_labels.macro_f1,
        "majority": against_majority.accuracy,
        "majority_ci95": list(against_majority.accuracy_ci95),
        "majority_macro_f1": against_majority.macro_f1,
        "majority_recall": {label: one.recall for label, one in against_majority.per_class.items()},
        **asdict(vote_agreement(predictions, votes)),
    }


def measure_heads(paths: Iterable[Path], faces: FaceSet) -> list[dict[str, object]]:
    """Measure both heads of trained networks, their mixtures, and the mean of all networks."""
    print(
        "\n| network | weight of the vote head | FER2013 | majority | macro-F1 | one rater |\n"
        + "|---" * 6
        + "|"
    )
    rows = []
    all_heads = []
    for path in paths:
        for network in load_checkpoint(path).networks:
            all_heads.append(_heads(network, faces))
            rows += _mixtures(path.stem, *all_heads[-1], faces)
    labels, votes = (np.mean(heads, axis=0) for heads in zip(*all_heads, strict=True))
    return rows + _mixtures("mean", labels, votes, faces)


def _mixtures(name: str, labels: Logits, votes: Logits, faces: FaceSet) -> list[dict[str, object]]:
    rows = []
    for part in _MIXTURES:
        found = metrics_of((1 - part) * labels + part * votes, faces)
        rows.append({"network": name, "votes_part": part, **found})
        print(
            f"| {name} | {part:.2f} | {found['accuracy']:.1%} | {found['majority']:.1%} | "
            f"{found['majority_macro_f1']:.3f} | {found['with_single_rater']:.1%} |"
        )
    return rows


@torch.inference_mode()
def _heads(network: ExpressionNetwork, faces: FaceSet) -> tuple[Logits, Logits]:
    """Predict log-probabilities (N, 7) of a network's two heads."""
    vote_head = network.vote_head
    if vote_head is None:
        raise ConfigError("the checkpoint has no head for votes; train with loss.vote_weight")

    def predict(prepared: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        pooled = network.feature_map(torch.from_numpy(prepared)).mean(dim=(2, 3))
        logits = torch.cat([network.forward_head(pooled), vote_head(pooled)], dim=1)
        return np.asarray(logits.numpy())

    both = torch.from_numpy(in_chunks(predict, faces.images, network.input_spec)).double()
    of_votes = both[:, len(LABELS) :][:, torch.from_numpy(vote_columns())]
    labels, votes = (head.log_softmax(dim=1).numpy() for head in (both[:, : len(LABELS)], of_votes))
    return labels, votes


def measure_targets(source: Path, runs: Path, faces: FaceSet) -> list[dict[str, object]]:
    """Train and measure the same small network for each target."""
    print(
        "\n| target | FER2013 | macro-F1 | majority | macro-F1 | one rater |\n" + "|---" * 6 + "|"
    )
    rows = []
    for name, (target, vote_weight) in _RUNS.items():
        run_dir = runs / name.replace(" ", "-")
        if not (run_dir / BEST_CHECKPOINT).exists():
            is_begun = (run_dir / RESOLVED_RECIPE).exists()
            fit(_recipe(source, target, vote_weight), run_dir, resume=is_begun)
        network = load_checkpoint(run_dir / BEST_CHECKPOINT).networks[0]
        logits_of = {name: _label_logits(network, faces)}
        if vote_weight:
            logits_of[f"{name}, head of the votes"] = _heads(network, faces)[1]
        for shown, logits in logits_of.items():
            found = metrics_of(logits, faces)
            rows.append({"target": shown, **found})
            print(
                f"| {shown} | {found['accuracy']:.1%} | {found['macro_f1']:.3f} | "
                f"{found['majority']:.1%} | {found['majority_macro_f1']:.3f} | "
                f"{found['with_single_rater']:.1%} |",
                flush=True,
            )
    return rows


@torch.inference_mode()
def _label_logits(network: ExpressionNetwork, faces: FaceSet) -> Logits:
    def predict(prepared: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(network(torch.from_numpy(prepared)).numpy())

    return np.asarray(in_chunks(predict, faces.images, network.input_spec), np.float64)


def _recipe(source: Path, target: Target, vote_weight: float) -> Recipe:
    """Return a recipe of minutes, without mixing, which multi targets do not support."""
    return Recipe.model_validate(
        {
            "name": "targets",
            "data": {
                "name": "FER2013 with FER+ votes",
                "source": source,
                "target": target,
                "drop": ["not_a_face", "duplicates", "conflicts"],
            },
            "network": {
                "blocks": [1, 1, 1, 1],
                "channels": [32, 64, 128, 192],
                "stem_channels": 16,
                "mirrored": True,
                "size_px": 40,
            },
            "augment": {"mix": 0.0},
            "loss": {"label_smoothing": 0.1, "vote_weight": vote_weight},
            "schedule": {"batch_size": 128, "ema_decay": 0.998},
            "phases": [{"epochs": 10, "peak_rate": 4e-3, "warmup_epochs": 1, "plain_epochs": 0}],
        }
    )


if __name__ == "__main__":
    main()
