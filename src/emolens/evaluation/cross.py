"""Several models on several data sets: a matrix of figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emolens.core.emotion import LABELS
from emolens.evaluation.benchmark import Benchmark
from emolens.evaluation.evaluation import Evaluation

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "ece")
"""The figures that a matrix can be made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One model on one data set.

    Attributes:
        model: What it was asked for by: a name or a file.
        benchmark: What it was measured on.
        evaluation: The figures.
        record: All of them as plain values, as `emolens evaluate --json` writes them.
        warnings: What was assumed of the faces, such as the order of labels that are numbers.
    """

    model: str
    benchmark: Benchmark
    evaluation: Evaluation
    record: Mapping[str, object]
    warnings: tuple[str, ...] = ()

    @property
    def rival(self) -> str | None:
        """Name of the model that it was compared with, or None."""
        name = self.record["rival_model"]
        return None if name is None else str(name)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """All models on one data set.

    Attributes:
        name: What the data set is called; no two of a matrix are called the same.
        cells: One for each model, in order.
    """

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CrossEvaluation:
    """Models on data sets.

    Attributes:
        models: Their names, one for each row.
        columns: The data sets.
    """

    models: tuple[str, ...]
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, columns: Sequence[tuple[str, Sequence[Cell]]]) -> "CrossEvaluation":
        """Put one or more columns side by side: name of the data set, a cell for each model."""
        models = [Path(cell.model.removesuffix(".onnx")) for cell in columns[0][1]]
        return cls(
            tuple(names_of(models)),
            tuple(Column(name, tuple(cells)) for name, cells in columns),
        )

    @property
    def data(self) -> tuple[str, ...]:
        """Names of the data sets, one for each column."""
        return tuple(column.name for column in self.columns)

    @property
    def n_faces(self) -> tuple[int, ...]:
        """Faces of each data set."""
        return tuple(column.cells[0].evaluation.metrics.n for column in self.columns)

    @property
    def missing_classes(self) -> tuple[tuple[str, ...], ...]:
        """For each data set, the classes that none of its faces has; means leave them out."""
        return tuple(
            tuple(
                label
                for label in LABELS
                if not column.cells[0].evaluation.metrics.per_class[label].support
            )
            for column in self.columns
        )

    def matrix(self, figure: str) -> list[list[float]]:
        """One of `FIGURES`: a row for each model, a column for each data set."""
        return [
            [
                float(getattr(column.cells[row].evaluation.metrics, figure))
                for column in self.columns
            ]
            for row in range(len(self.models))
        ]

    def to_dict(self) -> dict[str, object]:
        """The matrices, and the full record of every pair, as plain values."""
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
            "matrix": {figure: self.matrix(figure) for figure in FIGURES},
            "evaluations": [
                {"data": column.name, **cell.record}
                for column in self.columns
                for cell in column.cells
            ],
        }


def names_of(paths: Sequence[Path]) -> list[str]:
    """Names to tell paths apart by: their last parts, with a number where these are the same."""
    names = [path.name or path.resolve().name for path in paths]
    total = Counter(names)
    seen: Counter[str] = Counter()
    told_apart = []
    for name in names:
        seen[name] += 1
        told_apart.append(f"{name} ({seen[name]})" if total[name] > 1 else name)
    return told_apart
