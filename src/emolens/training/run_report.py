"""Report of a finished run: metrics and learning curve."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from emolens.classification.onnx_classifier import softmax
from emolens.datasets.faces import FaceSet, Split
from emolens.evaluation.agreement import VoteAgreement, vote_agreement
from emolens.evaluation.calibration import fit_temperature
from emolens.evaluation.metrics import ClassificationMetrics, compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.storage.files import write_bytes, writing
from emolens.training.calibration import calibration_faces, class_scales, log_frequencies
from emolens.training.faces import TrainingFaces
from emolens.training.inference import torch_logits
from emolens.training.networks import ExpressionNetwork, combine_networks
from emolens.training.recipe import Recipe

METRICS = "metrics.json"
LEARNING_CURVE = "learning-curve.png"
# Okabe and Ito 2008: colours for colour-blind readers, distinct in grey too.
_TRAINING_COLOR, _VALIDATION_COLOR = "#0072B2", "#D55E00"


@dataclass(frozen=True, slots=True, eq=False)
class ValidationMetrics:
    """Metrics of trained networks on the validation split, with the calibration of `export`.

    Attributes:
        temperature: Divisor of the logits.
        metrics: Classification metrics.
        predictions: Predictions of the validation faces.
        votes: Agreement with FER+'s raters; None without votes.
    """

    temperature: float
    metrics: ClassificationMetrics
    predictions: Predictions
    votes: VoteAgreement | None


def validation_metrics(
    recipe: Recipe, networks: Sequence[ExpressionNetwork], validation: FaceSet
) -> ValidationMetrics:
    """Evaluate the mean of one or more networks, which is calibrated on the same faces."""
    network = combine_networks(networks, recipe.answer, log_frequencies(validation.labels)).eval()
    raw_logits = torch_logits(network, validation.images, network.input_spec)
    rows, labels = calibration_faces(recipe, validation)
    scales = class_scales(recipe, raw_logits[rows], labels)
    logits = raw_logits * scales.astype("float32")
    temperature = fit_temperature(logits[rows], labels)
    probabilities = softmax(logits / temperature).astype("float64")
    predictions = Predictions(probabilities, validation.labels)
    votes = None if validation.votes is None else vote_agreement(predictions, validation.votes)
    return ValidationMetrics(temperature, compute_metrics(predictions), predictions, votes)


def write_run_report(run_dir: Path, measured: ValidationMetrics, faces: TrainingFaces) -> None:
    """Write `metrics.json` and `learning-curve.png` of a run."""
    record = {
        "n_training": len(faces.training),
        "n_dropped": faces.n_dropped,
        "sources": _source_metrics(measured, faces),
        "split": Split.VALIDATION,
        "temperature": measured.temperature,
        "ferplus": asdict(measured.votes) if measured.votes else None,
        **measured.metrics.to_dict(),
    }
    write_bytes(run_dir / METRICS, (json.dumps(record, indent=2) + "\n").encode())
    plot_learning_curve(read_epochs(run_dir), run_dir / LEARNING_CURVE)


def _source_metrics(measured: ValidationMetrics, faces: TrainingFaces) -> list[dict[str, object]]:
    """Return the counts and the validation metrics of each source."""
    sources = []
    start = 0
    for source in faces.sources:
        rows = np.arange(start, start + source.n_validation)
        start += source.n_validation
        metrics = compute_metrics(measured.predictions.take(rows)) if len(rows) else None
        sources.append(
            {
                **asdict(source),
                "accuracy": metrics.accuracy if metrics else None,
                "macro_f1": metrics.macro_f1 if metrics else None,
            }
        )
    return sources


def read_epochs(run_dir: Path) -> pd.DataFrame:
    """Read the metrics of every finished epoch, over all phases and restarts of a run.

    Returns:
        One row per epoch with the columns `phase` (from 1), `epoch` (from 1, over the whole run),
        `train_loss`, `val_loss` and `val_accuracy`.
    """
    parts = []
    n_before = 0
    folders = (path for path in run_dir.glob("phase-*") if path.is_dir())
    for phase_dir in sorted(folders, key=_number):
        logs = sorted(phase_dir.glob("logs/*/metrics.csv"), key=lambda log: _number(log.parent))
        # A crash can leave an empty file.
        logs = [log for log in logs if log.stat().st_size]
        if not logs:
            continue
        rows = pd.concat([pd.read_csv(log) for log in logs])
        columns = {
            "train_loss_epoch": "train_loss",
            "val_loss": "val_loss",
            "val_accuracy": "val_accuracy",
        }
        epochs = rows.groupby("epoch")[list(columns)].last().dropna().rename(columns=columns)
        epochs = epochs.reset_index()
        epochs["epoch"] += 1 + n_before
        epochs.insert(0, "phase", _number(phase_dir))
        n_before += len(epochs)
        parts.append(epochs)
    return pd.concat(parts, ignore_index=True)


def _number(path: Path) -> int:
    """Parse the number at the end of `phase-2` or `version_10`."""
    return int(re.split("[-_]", path.name)[-1])


def plot_learning_curve(epochs: pd.DataFrame, path: Path) -> None:
    """Plot losses and accuracy over the epochs of `read_epochs` as a PNG."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    loss_axes, accuracy_axes = figure.subplots(2, 1, sharex=True)
    style = {"marker": ".", "linewidth": 1.5}
    loss_axes.plot(
        epochs.epoch, epochs.train_loss, color=_TRAINING_COLOR, label="training", **style
    )
    loss_axes.plot(
        epochs.epoch, epochs.val_loss, color=_VALIDATION_COLOR, ls="--", label="validation", **style
    )
    loss_axes.set_ylabel("loss")
    loss_axes.legend(frameon=False)
    accuracy_axes.plot(
        epochs.epoch, 100 * epochs.val_accuracy, color=_VALIDATION_COLOR, ls="--", **style
    )
    accuracy_axes.set_ylabel("validation accuracy (%)")
    accuracy_axes.set_xlabel("epoch")
    best = epochs.loc[epochs.val_accuracy.idxmax()]
    accuracy_axes.annotate(
        f"{best.val_accuracy:.2%}",
        (best.epoch, 100 * best.val_accuracy),
        textcoords="offset points",
        xytext=(0, -14),
        ha="center",
    )
    for axes in (loss_axes, accuracy_axes):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        for start in epochs.groupby("phase").epoch.min().iloc[1:]:
            axes.axvline(start - 0.5, color="0.5", linewidth=0.8)
    with writing(path) as file:
        figure.savefig(file, format="png", dpi=120)
