"""What `emolens evaluate` prints: figures and tables of one model, the matrix of several."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from emolens.cli.terminal import one_line, print_remarks, stdout_console
from emolens.core.emotion import LABELS
from emolens.datasets.targets import Target
from emolens.evaluation.cross import Cell, CrossEvaluation
from emolens.evaluation.evaluation import Evaluation
from emolens.evaluation.metrics import ClassificationMetrics


def show_evaluation(cell: Cell) -> None:
    """Print the figures, the per-class table and the confusion matrix of one model."""
    console = stdout_console()
    evaluation, split, rival = cell.evaluation, cell.benchmark.split, cell.rival
    metrics = evaluation.metrics
    name = escape(one_line(str(cell.record["model"])))
    console.print(f"[bold]{name}[/] against {_right(cell.benchmark.target)}")
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
    _show_uses(console, evaluation, has_labels=cell.benchmark.target is Target.LABEL)
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
    print_remarks(console, cell.remarks)


def _right(target: Target) -> str:
    return "the labels" if target is Target.LABEL else f"the raters' {target} target"


def _accuracy_line(name: str, metrics: ClassificationMetrics, rest: str) -> str:
    low, high = metrics.accuracy_ci95
    return (
        f"{name} [bold]{metrics.accuracy:.2%}[/] (95 % interval {low:.2%} to {high:.2%}) "
        f"on {metrics.n} faces{rest}"
    )


def _show_uses(console: Console, evaluation: Evaluation, *, has_labels: bool) -> None:
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
            f"named as most raters do {votes.with_majority:.1%}"
            + (f", the labels themselves {votes.labels_with_majority:.1%}" if has_labels else "")
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


def show_cross(cross: CrossEvaluation) -> None:
    """Print accuracy and macro-F1 of every model on every data set."""
    console = stdout_console()
    console.print(f"against {_right(cross.columns[0].cells[0].benchmark.target)}\n")
    for heading, figure in (("accuracy", "accuracy"), ("macro-F1", "macro_f1")):
        table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
        table.add_column(heading)
        for name in cross.data:
            table.add_column(escape(one_line(name)), justify="right")
        for model, row in zip(cross.models, cross.matrix(figure), strict=True):
            table.add_row(escape(one_line(model)), *(_figure(figure, value) for value in row))
        if figure == "accuracy":
            table.add_row("faces", *(f"{n:,}" for n in cross.n_faces))
        console.print(table)
        console.print()
    for name, missing in zip(cross.data, cross.missing_classes, strict=True):
        if missing:
            console.print(f"{escape(one_line(name))} has no face of {', '.join(missing)}")
    print_remarks(console, (remark for one in cross.columns for remark in one.cells[0].remarks))


def _figure(figure: str, value: float) -> str:
    return _percent(value) if figure == "accuracy" else f"{value:.3f}"
