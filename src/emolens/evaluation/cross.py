"""Metrics of several models on several data sets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emolens.evaluation.benchmark import Benchmark
from emolens.evaluation.evaluation import Evaluation
from emolens.runtime.catalogue import DEFAULT_ALIAS

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "ece")
"""Names of the metrics of a matrix."""
ALL_IMAGES = "accuracy_all_images"
"""Name of the additional metric if faces were detected: the accuracy over all images, where an
image without a face or without a label is not correct."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """The evaluation of one model on one data set.

    Attributes:
        model: Name or file of the model, as the user typed it.
        benchmark: The labelled faces.
        evaluation: The metrics.
        record: The metrics as plain values, as in `emolens evaluate --json`.
        warnings: Assumptions about the faces, such as the order of numeric labels.
    """

    model: str
    benchmark: Benchmark
    evaluation: Evaluation
    record: Mapping[str, object]
    warnings: tuple[str, ...] = ()

    @property
    def rival(self) -> str | None:
        """Name of the model in the comparison, or None."""
        name = self.record["rival_model"]
        return None if name is None else str(name)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The evaluations of all models on one data set.

    Attributes:
        name: Name of the data set, unique in the matrix.
        cells: One cell per model, in order.
    """

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CrossEvaluation:
    """The evaluations of several models on several data sets.

    Attributes:
        models: Names of the models, one per row.
        columns: The data sets.
    """

    models: tuple[str, ...]
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, columns: Sequence[tuple[str, Sequence[Cell]]]) -> "CrossEvaluation":
        """Combine columns, each a name of a data set and one cell per model."""
        models = [
            Path(
                str(cell.record["model"])
                if cell.model == DEFAULT_ALIAS
                else cell.model.removesuffix(".onnx")
            )
            for cell in columns[0][1]
        ]
        return cls(
            tuple(names_of(models)),
            tuple(Column(name, tuple(cells)) for name, cells in columns),
        )

    @property
    def data(self) -> tuple[str, ...]:
        """Names of the data sets, one per column."""
        return tuple(column.name for column in self.columns)

    @property
    def n_faces(self) -> tuple[int, ...]:
        """Number of faces of each data set."""
        return tuple(column.cells[0].evaluation.metrics.n for column in self.columns)

    @property
    def missing_classes(self) -> tuple[tuple[str, ...], ...]:
        """Classes without faces, per data set; mean metrics leave them out."""
        return tuple(column.cells[0].evaluation.metrics.without_faces for column in self.columns)

    @property
    def has_detection(self) -> bool:
        """Whether the faces of all data sets were detected."""
        return all(column.cells[0].evaluation.detection for column in self.columns)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics of these evaluations, the arguments of `matrix`."""
        return (*METRICS, ALL_IMAGES) if self.has_detection else METRICS

    def matrix(self, metric: str) -> list[list[float]]:
        """Return one of `metrics`, with a row per model and a column per data set."""
        return [
            [_value(column.cells[row].evaluation, metric) for column in self.columns]
            for row in range(len(self.models))
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the matrices and the full record of every pair as plain values."""
        return {
            "models": list(self.models),
            "data": [
                {
                    "name": column.name,
                    "split": column.cells[0].benchmark.split,
                    "n": n_faces,
                    "missing_classes": list(missing),
                }
                for column, n_faces, missing in zip(
                    self.columns, self.n_faces, self.missing_classes, strict=True
                )
            ],
            "matrix": {metric: self.matrix(metric) for metric in self.metrics},
            "evaluations": [
                {"data": column.name, **cell.record}
                for column in self.columns
                for cell in column.cells
            ],
        }


def _value(evaluation: Evaluation, metric: str) -> float:
    if metric == ALL_IMAGES and evaluation.detection:
        return evaluation.detection.all_images.accuracy
    return float(getattr(evaluation.metrics, metric))


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return unique names of paths: the last part, with a number if several have the same."""
    names = [path.name or path.resolve().name for path in paths]
    total = Counter(names)
    used: Counter[str] = Counter()
    unique = []
    for name in names:
        used[name] += 1
        unique.append(f"{name} ({used[name]})" if total[name] > 1 else name)
    return unique
