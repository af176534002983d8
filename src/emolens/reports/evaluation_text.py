"""Metrics of one model, or of several models on several data sets, as text."""

from collections.abc import Iterator

from emolens.datasets.targets import Target
from emolens.evaluation.cross import ALL_IMAGES, Cell, CrossEvaluation
from emolens.evaluation.evaluation import Evaluation
from emolens.evaluation.metrics import ClassificationMetrics
from emolens.reports.group_text import by_group_text, detection_text
from emolens.reports.text import Block, TextTable, model_text, numbers_from, percent


def evaluation_text(cell: Cell) -> Iterator[Block]:
    """List the metrics, the metrics per class and the confusion matrix of one model."""
    evaluation, split = cell.evaluation, cell.benchmark.split_text
    metrics = evaluation.metrics
    model = model_text(str(cell.record["model"]), str(cell.record["model_sha256"]))
    yield f"**{model}**, ground truth: {_ground_truth(cell.benchmark.target)}"
    if evaluation.detection:
        yield from detection_text(evaluation.detection)
    name = "accuracy of images with a face" if evaluation.detection else "accuracy"
    yield _accuracy(name, metrics, f" of {split}" if split else "")
    if evaluation.leak_free and evaluation.leak_free.metrics:
        leak_free = evaluation.leak_free
        yield _accuracy(
            "without leaks",
            evaluation.leak_free.metrics,
            f", excluding {leak_free.n_near} duplicates of training rows "
            f"({leak_free.n_exact} exact)",
        )
    if evaluation.one_view:
        yield _accuracy("one view", evaluation.one_view, "")
    yield (
        f"balanced recall {metrics.balanced_accuracy:.2%}, macro-F1 {metrics.macro_f1:.3f}, "
        f"NLL {metrics.nll:.3f}, Brier {metrics.brier:.3f}, ECE {metrics.ece:.3f}"
    )
    yield from _abstention_and_votes(evaluation, cell.benchmark.target)
    if evaluation.comparison and evaluation.rival:
        comparison = evaluation.comparison
        low, high = comparison.accuracy_difference_ci95
        yield (
            f"accuracy of {cell.rival}: {100 * comparison.accuracy_difference:+.2f} percentage "
            f"points ({100 * low:+.2f} to {100 * high:+.2f}), "
            f"McNemar p = {comparison.mcnemar_p:.4f}"
        )
    yield ""
    yield _per_class(metrics)
    yield ""
    yield _confusion(metrics)
    if metrics.without_faces:
        yield f"no faces: {', '.join(metrics.without_faces)}"
    if evaluation.by_group:
        yield from by_group_text(evaluation.by_group)
    yield from cell.warnings


def cross_text(cross: CrossEvaluation) -> Iterator[Block]:
    """List accuracy and macro-F1 of every model on every data set."""
    yield f"ground truth: {_ground_truth(cross.columns[0].cells[0].benchmark.target)}"
    right = numbers_from(1, 1 + len(cross.data))
    for heading, rows in _matrices(cross):
        yield ""
        yield TextTable((heading, *cross.data), rows, right)
    yield ""
    for name, missing in zip(cross.data, cross.missing_classes, strict=True):
        if missing:
            yield f"{name} has no faces labelled {', '.join(missing)}"
    for column in cross.columns:
        for model, cell in zip(cross.models, column.cells, strict=True):
            if cell.evaluation.by_group:
                yield ""
                yield f"**{model}** on {column.name}"
                yield from by_group_text(cell.evaluation.by_group)
        yield from column.cells[0].warnings


def _matrices(cross: CrossEvaluation) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Yield the heading and the rows of each matrix, with the numbers of faces and images."""
    faces = ("faces", *(f"{n:,}" for n in cross.n_faces))
    name = "accuracy, images with a face" if cross.has_detection else "accuracy"
    yield name, [*_matrix(cross, "accuracy"), faces]
    if cross.has_detection:
        found = [column.cells[0].evaluation.detection for column in cross.columns]
        images = ("images", *(f"{one.n_images:,}" for one in found if one))
        yield "accuracy, all images", [*_matrix(cross, ALL_IMAGES), images]
    yield "macro-F1", _matrix(cross, "macro_f1")


def _matrix(cross: CrossEvaluation, metric: str) -> list[tuple[str, ...]]:
    def text(value: float) -> str:
        return f"{value:.3f}" if metric == "macro_f1" else percent(value)

    return [
        (model, *map(text, row))
        for model, row in zip(cross.models, cross.matrix(metric), strict=True)
    ]


def _ground_truth(target: Target) -> str:
    names = {Target.LABEL: "labels", Target.MAJORITY: "majority vote"}
    return names.get(target, f"{target} targets of FER+'s votes")


def _accuracy(name: str, metrics: ClassificationMetrics, rest: str) -> str:
    low, high = metrics.accuracy_ci95
    return (
        f"{name} **{metrics.accuracy:.2%}** (95 % interval {low:.2%} to {high:.2%}) "
        f"on {metrics.n} faces{rest}"
    )


def _abstention_and_votes(evaluation: Evaluation, target: Target) -> Iterator[str]:
    """List the thresholds for abstention and the agreement with raters."""
    for chosen in evaluation.abstention:
        if chosen.threshold is not None:
            yield (
                f"accuracy of at least {chosen.target_accuracy:.0%}: confidence threshold "
                f"{chosen.threshold:.3f}, coverage {chosen.coverage:.0%}"
            )
    # The majority vote as the ground truth agrees with itself.
    votes = None if target is Target.MAJORITY else evaluation.votes
    if votes and votes.with_majority is not None and votes.labels_with_majority is not None:
        yield f"agreement with the majority vote {votes.with_majority:.1%}" + (
            f", of the labels {votes.labels_with_majority:.1%}" if target is Target.LABEL else ""
        )


def _per_class(metrics: ClassificationMetrics) -> TextTable:
    rows = [
        (label, *map(percent, (of.precision, of.recall, of.f1)), str(of.support))
        for label, of in metrics.per_class.items()
        if of.support
    ]
    return TextTable(("label", "precision", "recall", "F1", "faces"), rows, numbers_from(1, 5))


def _confusion(metrics: ClassificationMetrics) -> TextTable:
    labels, columns = metrics.with_faces, metrics.predicted_labels
    rows = [
        (label, *map(str, counts))
        for label, counts in zip(labels, metrics.shown_matrix.tolist(), strict=True)
    ]
    return TextTable(
        ("label / predicted", *columns),
        rows,
        numbers_from(1, 1 + len(columns)),
        frozenset((row, 1 + columns.index(label)) for row, label in enumerate(labels)),
    )
