import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emolens.core.emotion import LABELS
from emolens.datasets.faces import DetectedFace, Split
from emolens.evaluation.cross import ALL_IMAGES, METRICS, CrossEvaluation, names_of
from emolens.evaluation.detection import detection_metrics
from emolens.evaluation.evaluation import evaluate
from emolens.evaluation.leaks import Leaks
from tests.unit.evaluation.cases import answers, faces_with_votes
from tests.unit.evaluation.cross_cases import cell, cross

pytestmark = pytest.mark.slow


def test_a_matrix_has_a_row_for_each_model_and_a_column_for_each_data_set() -> None:
    found = cross(models=("fast", "accurate"), data=("a", "b", "c"))
    assert (found.models, found.data) == (("fast", "accurate"), ("a", "b", "c"))
    for metric in METRICS:
        matrix = found.matrix(metric)
        assert [len(row) for row in matrix] == [3, 3]
        for place, column in enumerate(found.columns):
            for row, one in zip(matrix, column.cells, strict=True):
                assert row[place] == getattr(one.evaluation.metrics, metric)
    assert found.matrix("accuracy") != found.matrix("macro_f1")


def test_faces_and_missing_classes_are_told_for_each_data_set() -> None:
    faces = faces_with_votes(70)
    rows = np.flatnonzero(np.isin(faces.labels, (0, 3, 6)))
    some = faces.take(rows)
    leaks = Leaks(np.arange(len(some)), None, None)
    few = replace(cell("fast"), evaluation=evaluate(answers(some), some, leaks, temperature=1.0))
    found = CrossEvaluation.of([("all", [cell("fast")]), ("few", [few])])
    assert found.n_faces == (140, 30)
    missing = tuple(label for label in LABELS if label not in {"angry", "happy", "neutral"})
    assert found.missing_classes == ((), missing)


def test_the_record_is_plain_and_has_every_pair() -> None:
    found = cross(models=("fast", "accurate"), data=("a", "b"))
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["models"] == ["fast", "accurate"]
    assert record["data"][0] == {
        "name": "a",
        "split": Split.VALIDATION,
        "n": 140,
        "missing_classes": [],
    }
    assert set(record["matrix"]) == set(METRICS)
    pairs = [(one["data"], one["model"]) for one in record["evaluations"]]
    assert pairs == [("a", "fast"), ("a", "accurate"), ("b", "fast"), ("b", "accurate")]
    assert [one["accuracy"] for one in record["evaluations"]] == [
        row[place] for place in range(2) for row in record["matrix"]["accuracy"]
    ]


def test_a_rival_is_named_in_the_record() -> None:
    plain = cell("fast")
    assert plain.rival is None
    assert replace(plain, record={**plain.record, "rival_model": "other"}).rival == "other"


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (("runs/mine.onnx", "accurate"), ("mine", "accurate")),
        (("a/best.onnx", "b/best.onnx"), ("best (1)", "best (2)")),
        (("fast", "fast.onnx"), ("fast (1)", "fast (2)")),
    ],
)
def test_no_two_models_are_called_the_same(models: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert cross(models=models).models == names


def test_paths_are_told_apart_by_their_last_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names_of([Path("a/raf"), Path("b/expw/")]) == ["raf", "expw"]
    assert names_of([Path("a/raf"), Path("x"), Path("b/raf")]) == ["raf (1)", "x", "raf (2)"]
    monkeypatch.chdir(tmp_path)
    assert names_of([Path()]) == [tmp_path.name]
    assert names_of([]) == []


def test_detection_adds_the_accuracy_of_all_images() -> None:
    plain = cross(models=("fast",), data=("a", "b"))
    assert plain.metrics == METRICS
    detected = tuple(DetectedFace(0 if row < 14 else 1) for row in range(140))
    columns = []
    for column in plain.columns:
        [one] = column.cells
        hits = one.evaluation.predictions.hits & (np.arange(140) >= 14)
        found = detection_metrics(detected, hits, np.arange(140))
        evaluation = replace(one.evaluation, detection=found)
        columns.append((column.name, [replace(one, evaluation=evaluation)]))
    whole = CrossEvaluation.of(columns)
    assert whole.metrics == (*METRICS, ALL_IMAGES)
    assert whole.matrix("accuracy") == plain.matrix("accuracy")
    [row] = whole.matrix(ALL_IMAGES)
    assert all(
        all_images < faces
        for all_images, faces in zip(row, plain.matrix("accuracy")[0], strict=True)
    )
    record = whole.to_dict()["matrix"]
    assert isinstance(record, dict)
    assert record[ALL_IMAGES] == [row]


def test_the_default_model_has_its_real_name() -> None:
    default = cell("default")
    named = replace(default, record={**default.record, "model": "everyday"})
    found = CrossEvaluation.of([("a", [named, cell("labels")])])
    assert found.models == ("everyday", "labels")
