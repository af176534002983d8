r"""Evaluate models and their mixtures on PublicTest and on photographs of another source.

Each model classifies every face once. On FER2013's PublicTest: accuracy on the labels and on the
majority vote, for all faces and leak-free (without near-duplicates of training images). On the
other source: recall of the five expressions with usable labels, through the whole chain. Run from
the repository root (0019-transfer.md):

    python docs/experiments/elsewhere.py $EMOLENS_DATA/fer2013 $EMOLENS_DATA/wild/dev.parquet \
        --models raters fast runs/face/best.ckpt --mix raters=0.35,fast=0.65 --json -

A checkpoint with a vote head counts as two models, PATH:label and PATH:votes.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from rich.progress import track

from emolens.classification import OnnxEmotionClassifier
from emolens.classification.onnx_classifier import softmax
from emolens.core.emotion import LABELS
from emolens.core.errors import ConfigError
from emolens.core.manifest import InputSpec
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import load_faces
from emolens.datasets.targets import Target, with_targets
from emolens.datasets.votes import vote_columns
from emolens.evaluation.leaks import find_leaks
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.imaging.preprocess import preprocess
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.training.calibration import log_frequencies
from emolens.training.checkpoint import load_checkpoint

# The other classes have wrong labels or hardly any faces there (README of the data).
USABLE = ("angry", "happy", "sad", "surprise", "neutral")
CHUNK = 128
Crops = list[npt.NDArray[np.uint8]]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces of both sources.

    Attributes:
        test: FER2013's PublicTest.
        is_clean: Which of its images have no duplicate or near-duplicate in training.
        wild: The crop of the largest face of each image of the other source.
        wild_rows: The images of these crops. The others have no detection.
        wild_labels: The label of every image.
    """

    test: FaceSet
    is_clean: npt.NDArray[np.bool_]
    wild: Crops
    wild_rows: npt.NDArray[np.int64]
    wild_labels: npt.NDArray[np.str_]


def load(source: Path, wild: Path) -> Faces:
    """Read both sources, and detect the faces of the second one."""
    test = load_faces(source, Split.VALIDATION)
    leaks = find_leaks(test, load_faces(source, Split.TRAIN))
    table = pd.read_parquet(wild)
    analyzer = ImageAnalyzer.load(sideways=False)
    crops, rows = [], []
    for row, content in enumerate(
        track(table["picture"], wild.name, transient=True)  # codespell:ignore picture
    ):
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        framed = analyzer.frame_faces(np.asarray(image, np.uint8))
        if framed:
            crops.append(framed[0].crop)
            rows.append(row)
    labels = table["label"].to_numpy(str)
    is_clean = np.ones(len(test), bool) if leaks.near is None else ~leaks.near
    return Faces(test, is_clean, crops, np.array(rows), labels)


def predict_all(models: list[str], faces: Faces) -> dict[str, tuple[Floats, Floats]]:
    """Predict probabilities (N, 7) of each model for the test faces and for the other source."""
    predictions: dict[str, tuple[Floats, Floats]] = {}
    for model in models:
        predict = predict_checkpoint if model.endswith(".ckpt") else predict_file
        test, wild = predict(model, list(faces.test.images)), predict(model, faces.wild)
        predictions |= {name: (test[name], wild[name]) for name in test}
    return predictions


def predict_file(model: str, crops: Crops) -> dict[str, Floats]:
    """Predict calibrated probabilities with a model file or a shipped model."""
    classifier = OnnxEmotionClassifier.load(model, n_threads=2)
    parts = [
        score.probabilities
        for start in range(0, len(crops), CHUNK)
        for score in classifier.classify(crops[start : start + CHUNK])
    ]
    return {model: np.array(parts, np.float64)}


@torch.inference_mode()
def predict_checkpoint(model: str, crops: Crops) -> dict[str, Floats]:
    """Predict probabilities of both heads of a checkpoint, averaged over its networks."""
    heads: dict[str, list[Floats]] = {}
    for network in load_checkpoint(Path(model)).networks:
        network.eval()
        label, votes = [], []
        for start in range(0, len(crops), CHUNK):
            pooled = network.feature_map(
                _prepared(crops[start : start + CHUNK], network.input_spec)
            )
            pooled = pooled.mean(dim=(2, 3))
            label.append(network.forward_head(pooled).numpy())
            if network.vote_head is not None:
                votes.append(network.vote_head(pooled).numpy()[:, vote_columns()])
        heads.setdefault(f"{model}:label", []).append(_shares(label))
        if votes:
            heads.setdefault(f"{model}:votes", []).append(_shares(votes))
    return {name: np.mean(parts, axis=0) for name, parts in heads.items()}


def _prepared(crops: Crops, spec: InputSpec) -> torch.Tensor:
    return torch.from_numpy(preprocess(crops, spec))


def _shares(logits: list[npt.NDArray[np.float32]]) -> Floats:
    return np.asarray(softmax(np.concatenate(logits)), np.float64)


def metrics_of(test: Floats, wild: Floats, faces: Faces) -> dict[str, object]:
    """Measure accuracy by label and by majority vote, for all faces and leak-free."""
    record: dict[str, object] = {}
    for target in (Target.LABEL, Target.MAJORITY):
        has_target = np.isin(faces.test.locations, with_targets(faces.test, target).faces.locations)
        labels = np.zeros(len(faces.test), np.int64)
        labels[has_target] = with_targets(faces.test, target).faces.labels
        for name, rows in (("all", has_target), ("clean", has_target & faces.is_clean)):
            metrics = compute_metrics(Predictions(test[rows], labels[rows]))
            record[f"{target.value}_{name}"] = {
                "n": metrics.n,
                "accuracy": metrics.accuracy,
                "balanced": metrics.balanced_accuracy,
                "macro_f1": metrics.macro_f1,
                "ece": metrics.ece,
                "recall": {label: of.recall for label, of in metrics.per_class.items()},
            }
    predicted = np.full(len(faces.wild_labels), "", "<U8")
    predicted[faces.wild_rows] = np.array(LABELS)[wild.argmax(axis=1)]
    recall = {
        label: float((predicted[faces.wild_labels == label] == label).mean()) for label in USABLE
    }
    record["wild"] = {"macro_5": float(np.mean(list(recall.values()))), "recall": recall}
    return record


def mixed(
    mixture: str, predictions: Mapping[str, tuple[Floats, Floats]], *, of_logs: bool
) -> tuple[Floats, Floats]:
    """Average probabilities or their logarithms with weights: `raters=0.35,fast=0.65`."""
    sums = [0.0, 0.0]
    for part in mixture.split(","):
        name, _, weight = part.rpartition("=")
        if name not in predictions:
            raise ConfigError(f"--mix: no model {name!r}; there are {', '.join(predictions)}")
        for index, probabilities in enumerate(predictions[name]):
            values = np.log(probabilities + 1e-9) if of_logs else probabilities
            sums[index] = sums[index] + float(weight) * values
    if of_logs:
        sums = [softmax(values) for values in sums]
    return np.asarray(sums[0], np.float64), np.asarray(sums[1], np.float64)


def balanced(probabilities: Floats, faces: Faces, part: float) -> Floats:
    """Subtract a part of the log class frequencies from the logits; probabilities (N, 7)."""
    logs = np.log(probabilities + 1e-9) - part * log_frequencies(faces.test.labels)
    return np.asarray(softmax(logs), np.float64)


def row(name: str, of: Mapping[str, dict[str, float]]) -> str:
    """Format one line of the table."""
    recall = of["majority_all"]["recall"]
    cells = [
        *(f"{100 * of[key]['accuracy']:.1f}" for key in ("label_all", "label_clean")),
        *(f"{100 * of[key]['accuracy']:.1f}" for key in ("majority_all", "majority_clean")),
        f"{of['majority_all']['balanced']:.3f}",
        " ".join(f"{recall[label]:.2f}" for label in LABELS),
        f"{of['label_clean']['ece']:.3f} {of['majority_clean']['ece']:.3f}",
        f"{of['wild']['macro_5']:.3f}",
        " ".join(f"{value:.2f}" for value in of["wild"]["recall"].values()),
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Print one row per model and mixture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("wild", type=Path)
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--mix", nargs="*", default=[])
    parser.add_argument(
        "--balance",
        type=float,
        nargs="*",
        default=[],
        help="also subtract this part of the log priors",
    )
    parser.add_argument("--json", default="-")
    options = parser.parse_args()
    faces = load(options.source, options.wild)
    predictions = predict_all(options.models, faces)
    all_predictions = dict(predictions)
    for mixture in options.mix:
        all_predictions[f"mean of {mixture}"] = mixed(mixture, predictions, of_logs=False)
        name = f"mean of logits, {mixture}"
        all_predictions[name] = mixed(mixture, predictions, of_logs=True)
        for part in options.balance:
            test, wild = (balanced(one, faces, part) for one in all_predictions[name])
            all_predictions[f"{name}, balance {part:g}"] = test, wild
    print(
        "| model | label, % | leak-free | majority, % | leak-free | balanced recall | "
        + " ".join(LABELS)
        + " | ECE label, majority | cross-dataset | "
        + " ".join(USABLE)
        + " |"
    )
    print("|---|" + "---|" * 9)
    record = {}
    for name, (test, wild) in all_predictions.items():
        record[name] = metrics_of(test, wild, faces)
        print(row(name, record[name]), flush=True)
    if options.json != "-":
        Path(options.json).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
