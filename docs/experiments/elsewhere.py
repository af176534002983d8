r"""What models and mixtures of them know about faces that are not FER2013's, and its PublicTest.

Each model sees every face once. Of FER2013's PublicTest: how often the label and the raters'
majority are said, also without the images that stand in Training as well. Of another source:
recall of the five expressions whose labels there can be used, through the whole chain. Run from the
project's folder (0019-transfer.md):

    python docs/experiments/elsewhere.py ../shared/fer2013 ../shared/wild/dev.parquet \
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

# The others have wrong labels or hardly any faces there (the data's own README).
USABLE = ("angry", "happy", "sad", "surprise", "neutral")
CHUNK = 128
Crops = list[npt.NDArray[np.uint8]]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Faces:
    """What the models are asked about.

    Attributes:
        test: FER2013's PublicTest.
        is_clean: Which of its images do not stand in Training, exactly or nearly.
        wild: The largest face of each image of the other source, as a classifier gets it.
        wild_rows: Which images these are of: in the others no face was found.
        wild_labels: The label of every image.
    """

    test: FaceSet
    is_clean: npt.NDArray[np.bool_]
    wild: Crops
    wild_rows: npt.NDArray[np.int64]
    wild_labels: npt.NDArray[np.str_]


def load(source: Path, wild: Path) -> Faces:
    """Read both sources, and find the faces of the second one."""
    test = load_faces(source, Split.VALIDATION)
    leaks = find_leaks(test, load_faces(source, Split.TRAIN))
    table = pd.read_parquet(wild)
    analyzer = ImageAnalyzer.load(sideways=False)
    crops, rows = [], []
    for row, content in enumerate(track(table["picture"], wild.name, transient=True)):
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        found = analyzer.frame_faces(np.asarray(image, np.uint8))
        if found:
            crops.append(found[0].crop)
            rows.append(row)
    labels = table["label"].to_numpy(str)
    is_clean = np.ones(len(test), bool) if leaks.near is None else ~leaks.near
    return Faces(test, is_clean, crops, np.array(rows), labels)


def ask_all(models: list[str], faces: Faces) -> dict[str, tuple[Floats, Floats]]:
    """Probabilities (N, 7) of each model for the test faces and for the others."""
    answers: dict[str, tuple[Floats, Floats]] = {}
    for model in models:
        ask = ask_checkpoint if model.endswith(".ckpt") else ask_file
        test, wild = ask(model, list(faces.test.images)), ask(model, faces.wild)
        answers |= {name: (test[name], wild[name]) for name in test}
    return answers


def ask_file(model: str, crops: Crops) -> dict[str, Floats]:
    """Calibrated probabilities of a model file or a shipped model."""
    classifier = OnnxEmotionClassifier.load(model, n_threads=2)
    parts = [
        score.probabilities
        for start in range(0, len(crops), CHUNK)
        for score in classifier.classify(crops[start : start + CHUNK])
    ]
    return {model: np.array(parts, np.float64)}


@torch.inference_mode()
def ask_checkpoint(model: str, crops: Crops) -> dict[str, Floats]:
    """Probabilities of both heads of a checkpoint, the mean of its networks."""
    heads: dict[str, list[Floats]] = {}
    for network in load_checkpoint(Path(model)).networks:
        network.eval()
        label, votes = [], []
        for start in range(0, len(crops), CHUNK):
            pooled = network.feature_map(
                _prepared(crops[start : start + CHUNK], network.input_spec)
            )
            pooled = pooled.mean(dim=(2, 3))
            label.append(network.answer(pooled).numpy())
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


def figures(test: Floats, wild: Floats, faces: Faces) -> dict[str, object]:
    """What is right, by label and by majority, of all faces and of those that are no copies."""
    record: dict[str, object] = {}
    for target in (Target.LABEL, Target.MAJORITY):
        has_target = np.isin(faces.test.locations, with_targets(faces.test, target).faces.locations)
        labels = np.zeros(len(faces.test), np.int64)
        labels[has_target] = with_targets(faces.test, target).faces.labels
        for name, rows in (("all", has_target), ("clean", has_target & faces.is_clean)):
            found = compute_metrics(Predictions(test[rows], labels[rows]))
            record[f"{target.value}_{name}"] = {
                "n": found.n,
                "accuracy": found.accuracy,
                "balanced": found.balanced_accuracy,
                "macro_f1": found.macro_f1,
                "ece": found.ece,
                "recall": {label: of.recall for label, of in found.per_class.items()},
            }
    said = np.full(len(faces.wild_labels), "", "<U8")
    said[faces.wild_rows] = np.array(LABELS)[wild.argmax(axis=1)]
    recall = {label: float((said[faces.wild_labels == label] == label).mean()) for label in USABLE}
    record["wild"] = {"macro_5": float(np.mean(list(recall.values()))), "recall": recall}
    return record


def mixed(
    mixture: str, answers: Mapping[str, tuple[Floats, Floats]], *, of_logs: bool
) -> tuple[Floats, Floats]:
    """The weighted mean of probabilities or of their logarithms: `raters=0.35,fast=0.65`."""
    sums = [0.0, 0.0]
    for part in mixture.split(","):
        name, _, weight = part.rpartition("=")
        if name not in answers:
            raise ConfigError(f"--mix: no model {name!r}; there are {', '.join(answers)}")
        for index, probabilities in enumerate(answers[name]):
            values = np.log(probabilities + 1e-9) if of_logs else probabilities
            sums[index] = sums[index] + float(weight) * values
    if of_logs:
        sums = [softmax(values) for values in sums]
    return np.asarray(sums[0], np.float64), np.asarray(sums[1], np.float64)


def balanced(probabilities: Floats, faces: Faces, part: float) -> Floats:
    """Probabilities (N, 7) with so much of the log of the classes' frequencies taken off."""
    logs = np.log(probabilities + 1e-9) - part * log_frequencies(faces.test.labels)
    return np.asarray(softmax(logs), np.float64)


def row(name: str, of: Mapping[str, dict[str, float]]) -> str:
    """One line of the table."""
    recall = of["majority_all"]["recall"]
    cells = [
        *(f"{100 * of[key]['accuracy']:.1f}" for key in ("label_all", "label_clean")),
        *(f"{100 * of[key]['accuracy']:.1f}" for key in ("majority_all", "majority_clean")),
        f"{of['majority_all']['balanced']:.3f}",
        " ".join(f"{recall[label]:.2f}" for label in LABELS),  # type: ignore[index]
        f"{of['label_clean']['ece']:.3f} {of['majority_clean']['ece']:.3f}",
        f"{of['wild']['macro_5']:.3f}",
        " ".join(f"{value:.2f}" for value in of["wild"]["recall"].values()),  # type: ignore[attr-defined]
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Print one row a model and mixture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("wild", type=Path)
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--mix", nargs="*", default=[])
    parser.add_argument(
        "--balance", type=float, nargs="*", default=[], help="also with this part of the priors off"
    )
    parser.add_argument("--json", default="-")
    options = parser.parse_args()
    faces = load(options.source, options.wild)
    answers = ask_all(options.models, faces)
    all_answers = dict(answers)
    for mixture in options.mix:
        all_answers[f"mean of {mixture}"] = mixed(mixture, answers, of_logs=False)
        name = f"mean of logits, {mixture}"
        all_answers[name] = mixed(mixture, answers, of_logs=True)
        for part in options.balance:
            test, wild = (balanced(said, faces, part) for said in all_answers[name])
            all_answers[f"{name}, balance {part:g}"] = test, wild
    print(
        "| model | label, % | no copies | majority, % | no copies | balanced recall | "
        + " ".join(LABELS)
        + " | ECE label, majority | elsewhere | "
        + " ".join(USABLE)
        + " |"
    )
    print("|---|" + "---|" * 9)
    record = {}
    for name, (test, wild) in all_answers.items():
        record[name] = figures(test, wild, faces)
        print(row(name, record[name]), flush=True)  # type: ignore[arg-type]
    if options.json != "-":
        Path(options.json).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
