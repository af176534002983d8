"""`emolens evaluate`: the figures of a model on labelled faces."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from emolens.classification import OnnxEmotionClassifier, TenViewClassifier
from emolens.cli.terminal import progress, stdout_console, write_json
from emolens.core.emotion import LABELS
from emolens.datasets.faces import Split
from emolens.datasets.loading import held_out_split, load_faces
from emolens.evaluation.metrics import ClassificationMetrics, compute_metrics
from emolens.evaluation.predictions import predict
from emolens.media.jsonl_writer import STDOUT


def evaluate(
    *,
    data: Annotated[Path, typer.Option(help="Labelled faces: CSV, Parquet or class folders.")],
    model: Annotated[str, typer.Option(help="Model name or .onnx file.")] = "default",
    split: Annotated[
        str | None,
        typer.Option(help="Training, PublicTest or PrivateTest; by default the one held out."),
    ] = None,
    tta: Annotated[
        bool,
        typer.Option("--tta", help="Mean over ten views of each face (test-time augmentation)."),
    ] = False,
    json: Annotated[
        str | None, typer.Option(help="Write all figures here as JSON; - is stdout.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
) -> None:
    """Measure a model: accuracy, per-class figures, confusion matrix, calibration."""
    onnx_classifier = OnnxEmotionClassifier.load(model)
    chosen = Split.from_name(split) if split else held_out_split(data)
    faces = load_faces(data, chosen, size_px=onnx_classifier.input_spec.size_px)
    classifier = TenViewClassifier(onnx_classifier) if tta else onnx_classifier
    with progress("faces", len(faces), quiet=quiet) as done:
        figures = compute_metrics(predict(classifier, faces, done))
    record: dict[str, object] = {
        "model": onnx_classifier.manifest.name,
        "model_sha256": onnx_classifier.model_sha256,
        "data_sha256": faces.sha256,
        "split": chosen,
        "tta": tta,
        **figures.to_dict(),
    }
    if json:
        write_json(json, record)
    if json != STDOUT and not quiet:
        show_metrics(figures, chosen)


def show_metrics(figures: ClassificationMetrics, split: Split | None) -> None:
    """Print the headline figures, the per-class table and the confusion matrix."""
    console = stdout_console()
    low, high = figures.accuracy_ci95
    console.print(
        f"accuracy [bold]{figures.accuracy:.2%}[/] (95 % interval {low:.2%} to {high:.2%}) "
        f"on {figures.n} faces{f' of {split}' if split else ''}"
    )
    console.print(
        f"balanced accuracy {figures.balanced_accuracy:.2%}, macro-F1 {figures.macro_f1:.3f}, "
        f"NLL {figures.nll:.3f}, Brier {figures.brier:.3f}, ECE {figures.ece:.3f}\n"
    )
    console.print(_per_class_table(figures))
    console.print()
    console.print(_confusion_table(figures))


def _per_class_table(figures: ClassificationMetrics) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("label")
    for heading in ("precision", "recall", "F1", "faces"):
        table.add_column(heading, justify="right")
    for label, of_class in figures.per_class.items():
        shares = (of_class.precision, of_class.recall, of_class.f1)
        table.add_row(label, *map(_percent, shares), str(of_class.support))
    return table


def _confusion_table(figures: ClassificationMetrics) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("is / named")
    for label in LABELS:
        table.add_column(label, justify="right")
    for row, label in enumerate(LABELS):
        counts = figures.confusion_matrix[row]
        table.add_row(
            label,
            *(f"[bold]{n}[/]" if column == row else str(n) for column, n in enumerate(counts)),
        )
    return table


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
