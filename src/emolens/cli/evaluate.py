"""`emolens evaluate`: the figures of a model on labelled faces."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.table import Table

from emolens import __version__
from emolens.classification import OnnxEmotionClassifier
from emolens.cli.extras import require_report
from emolens.cli.terminal import progress, say, stdout_console, write_json
from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import InputError
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import held_out_split
from emolens.evaluation.benchmark import Benchmark, evaluate_model
from emolens.evaluation.evaluation import Evaluation
from emolens.evaluation.metrics import ClassificationMetrics
from emolens.explanation import ActivationExplainer
from emolens.imaging.bgr import as_bgr
from emolens.media.files import write_bytes
from emolens.media.jsonl_writer import STDOUT, to_line
from emolens.rendering.heatmap import draw_heat

if TYPE_CHECKING:
    from emolens.evaluation.report import Gallery

METRICS, REPORT = "metrics.json", "report.html"
# Heat maps are drawn at twice the size of FER2013's faces.
_MAP_PX = 96


def evaluate(  # noqa: PLR0913 (one parameter an option)
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
    training: Annotated[
        Path | None,
        typer.Option(
            help="Where the Training rows are that the model has seen, for leak-free figures; by "
            "default the data itself, if it has such rows."
        ),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="Another model to compare with on the same faces.")
    ] = None,
    json: Annotated[
        str | None, typer.Option(help="Write all figures here as JSON; - is stdout.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help=f"Write {METRICS} and {REPORT}, a page with plots, into this folder."),
    ] = None,
    faces: Annotated[
        bool,
        typer.Option(
            "--faces", help="Show faces in the report: mistakes, and maps of where it looked."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
) -> None:
    """Measure a model: accuracy, per-class figures, calibration, leaks, agreement with raters."""
    if faces and not report:
        raise InputError("--faces shows faces in a report; name its folder with --report")
    if report:
        require_report("emolens evaluate --report")
    n_threads = os.cpu_count() or 1
    classifier = OnnxEmotionClassifier.load(model, n_threads=n_threads)
    rival = OnnxEmotionClassifier.load(compare, n_threads=n_threads) if compare else None
    chosen = Split.from_name(split) if split else held_out_split(data)
    benchmark = Benchmark.of(data, chosen, training=training)
    evaluation = evaluate_model(
        classifier, benchmark, tta=tta, rival=rival, progress=partial(progress, quiet=quiet)
    )
    measured = benchmark.faces(classifier)
    record: dict[str, object] = {
        "model": classifier.manifest.name,
        "model_sha256": classifier.model_sha256,
        "data_sha256": measured.sha256,
        "split": chosen,
        "tta": tta,
        "rival_model": rival.manifest.name if rival else None,
        "rival_sha256": rival.model_sha256 if rival else None,
        **evaluation.to_dict(),
    }
    if json:
        write_json(json, record)
    if report:
        gallery = _gallery(evaluation, ActivationExplainer.load(model), measured) if faces else None
        page = _page(evaluation, record, benchmark, gallery)
        write_bytes(report / METRICS, to_line(record).encode("ascii"))
        write_bytes(report / REPORT, page.encode())
        if not quiet:
            say(f"wrote {report / METRICS} and {report / REPORT}")
    if json != STDOUT and not quiet:
        show_evaluation(evaluation, chosen, rival.manifest.name if rival else None)


def _page(
    evaluation: Evaluation,
    record: dict[str, object],
    benchmark: Benchmark,
    gallery: "Gallery | None",
) -> str:
    from emolens.evaluation.report import Subject, write_report  # noqa: PLC0415 (optional)

    subject = Subject(
        model=str(record["model"]),
        model_sha256=str(record["model_sha256"]),
        data=benchmark.source.name,
        data_sha256=str(record["data_sha256"]),
        split=benchmark.split,
        training=benchmark.training.name if benchmark.training else None,
        tta=bool(record["tta"]),
        rival=str(record["rival_model"]) if record["rival_model"] else None,
        emolens_version=__version__,
    )
    return write_report(evaluation, subject, gallery)


def _gallery(evaluation: Evaluation, explainer: ActivationExplainer, faces: FaceSet) -> "Gallery":
    """The surest mistakes, and where the model looked in these and in the surest hits."""
    from emolens.evaluation.report import (  # noqa: PLC0415 (plotting is optional)
        Gallery,
        surest_rows,
        thumbnails,
    )

    hits, misses = (surest_rows(evaluation, hits=are_hits) for are_hits in (True, False))
    hit_maps, miss_maps = (
        thumbnails(evaluation, _maps(evaluation, explainer, faces, rows), rows)
        for rows in (hits, misses)
    )
    mistakes = thumbnails(evaluation, list(faces.images[misses]), misses)
    return Gallery(mistakes, hit_maps, miss_maps)


def _maps(
    evaluation: Evaluation,
    explainer: ActivationExplainer,
    faces: FaceSet,
    rows: npt.NDArray[np.int64],
) -> list[npt.NDArray[np.uint8]]:
    """Faces of some rows with a heat map of the class that was named, uint8 BGR."""
    images = faces.images[rows]
    named = evaluation.predictions.predicted[rows].tolist()
    return [
        draw_heat(as_bgr(image), maps.heat_map(Emotion(index), _MAP_PX), _MAP_PX)
        for image, maps, index in zip(images, explainer.explain(list(images)), named, strict=True)
    ]


def show_evaluation(evaluation: Evaluation, split: Split | None, rival: str | None) -> None:
    """Print the figures, the per-class table and the confusion matrix."""
    console = stdout_console()
    metrics = evaluation.metrics
    console.print(_accuracy_line("accuracy", metrics, f" of {split}" if split else ""))
    if evaluation.leak_free and evaluation.leak_free.metrics:
        leak_free = evaluation.leak_free
        console.print(
            _accuracy_line(
                "leak-free",
                evaluation.leak_free.metrics,
                ", without "
                f"{leak_free.n_near} that stand in the training rows ({leak_free.n_exact} exactly)",
            )
        )
    if evaluation.one_view:
        console.print(_accuracy_line("one view", evaluation.one_view, ""))
    console.print(
        f"balanced accuracy {metrics.balanced_accuracy:.2%}, macro-F1 {metrics.macro_f1:.3f}, "
        f"NLL {metrics.nll:.3f}, Brier {metrics.brier:.3f}, ECE {metrics.ece:.3f}"
    )
    _show_uses(console, evaluation)
    if evaluation.comparison and evaluation.rival:
        comparison = evaluation.comparison
        low, high = comparison.accuracy_difference_ci95
        console.print(
            f"{rival} {100 * comparison.accuracy_difference:+.2f} points ({100 * low:+.2f} to "
            f"{100 * high:+.2f}), McNemar p = {comparison.mcnemar_p:.4f}"
        )
    console.print()
    console.print(_per_class_table(metrics))
    console.print()
    console.print(_confusion_table(metrics))


def _accuracy_line(name: str, metrics: ClassificationMetrics, rest: str) -> str:
    low, high = metrics.accuracy_ci95
    return (
        f"{name} [bold]{metrics.accuracy:.2%}[/] (95 % interval {low:.2%} to {high:.2%}) "
        f"on {metrics.n} faces{rest}"
    )


def _show_uses(console: Console, evaluation: Evaluation) -> None:
    """What abstaining gives, and how often people say the same."""
    for chosen in evaluation.abstention:
        if chosen.threshold is not None:
            console.print(
                f"right in at least {chosen.target_accuracy:.0%}: answer from confidence "
                f"{chosen.threshold:.3f} on, which is {chosen.coverage:.0%} of the faces"
            )
    votes = evaluation.votes
    if votes and votes.with_majority is not None and votes.labels_with_majority is not None:
        console.print(
            f"named as most raters do {votes.with_majority:.1%}, the labels themselves "
            f"{votes.labels_with_majority:.1%}"
        )


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
