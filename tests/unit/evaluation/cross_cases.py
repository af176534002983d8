"""Matrices of models and data sets that nobody measured."""

from pathlib import Path

import numpy as np

from emolens.datasets.faces import Split
from emolens.evaluation.benchmark import Benchmark
from emolens.evaluation.cross import Cell, CrossEvaluation
from emolens.evaluation.evaluation import evaluate
from emolens.evaluation.leaks import Leaks
from tests.unit.evaluation.cases import answers, faces_with_votes


def cell(model: str, data: str = "data", *, seed: int = 0) -> Cell:
    """A model on 140 drawn faces; another seed gives other answers."""
    faces = faces_with_votes(140)
    leaks = Leaks(np.arange(140), None, None)
    found = evaluate(answers(faces, seed=seed), faces, leaks, temperature=1.0)
    benchmark = Benchmark(Path("somewhere", data), Split.VALIDATION)
    return Cell(model, benchmark, found, {"model": model, "rival_model": None, **found.to_dict()})


def cross(
    models: tuple[str, ...] = ("fast", "accurate"), data: tuple[str, ...] = ("a", "b")
) -> CrossEvaluation:
    """Every model on every data set, all with other answers."""
    return CrossEvaluation.of(
        [
            (name, [cell(model, name, seed=10 * place + row) for row, model in enumerate(models)])
            for place, name in enumerate(data)
        ]
    )
