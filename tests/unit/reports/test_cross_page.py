import re
from dataclasses import replace

import numpy as np
import pytest

from emolens.evaluation.cross import CrossEvaluation
from emolens.evaluation.evaluation import evaluate
from emolens.evaluation.leaks import Leaks
from emolens.reports.cross_page import cross_page, folders_of
from emolens.reports.page import percent
from tests.made import MADE
from tests.unit.evaluation.cases import answers, evaluation, faces_with_votes
from tests.unit.evaluation.cross_cases import cell, cross


def test_a_page_stands_alone_escapes_names_and_repeats() -> None:
    found = cross(models=("fast", "<mine>"), data=("a", "b & c"))
    page = cross_page(found, made=MADE)
    assert "&lt;mine&gt;" in page
    assert "<mine>" not in page
    assert "b &amp; c" in page
    assert "emolens 1.2.3" in page
    assert page.count("<svg") == 2
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
    assert page == cross_page(found, made=MADE)


def test_every_pair_has_its_metrics_and_a_link() -> None:
    found = cross(data=("a", "b"))
    page = cross_page(found, made=MADE)
    for row in found.matrix("accuracy"):
        for accuracy in row:
            assert percent(accuracy) in page
    links = re.findall(r'href="([^"#]*report\.html)"', page)
    assert links == [
        "fast-on-a/report.html",
        "accurate-on-a/report.html",
        "fast-on-b/report.html",
        "accurate-on-b/report.html",
    ]


def test_plots_are_told_in_words_too() -> None:
    found = cross(models=("fast",), data=("a", "b"))
    page = cross_page(found, made=MADE)
    accuracies = found.matrix("accuracy")[0]
    told = f"accuracy: fast on a: {accuracies[0]:.1%}; fast on b: {accuracies[1]:.1%}"
    assert f'aria-label="{told}"' in page
    assert f"macro-F1: fast on a: {found.matrix('macro_f1')[0][0]:.3f}" in page


def test_leak_free_metrics_and_missing_classes_are_reported() -> None:
    leaked = replace(cell("fast"), evaluation=evaluation())
    faces = faces_with_votes(70)
    happy = faces.take(np.flatnonzero(faces.labels == 3))
    leaks = Leaks(np.arange(len(happy)), None, None)
    few = replace(cell("fast"), evaluation=evaluate(answers(happy), happy, leaks, temperature=1.0))
    found = CrossEvaluation.of([("all", [leaked]), ("few", [few])])
    page = cross_page(found, made=MADE)
    assert leaked.evaluation.leak_free is not None
    assert leaked.evaluation.leak_free.metrics is not None
    assert percent(leaked.evaluation.leak_free.metrics.accuracy) in page
    assert "few has no faces labelled angry, disgust, fear, sad, surprise, neutral" in page
    assert "all has no faces" not in page


@pytest.mark.parametrize(
    ("models", "data", "folders"),
    [
        (
            ("fast", "a/my model.onnx"),
            ("x.parquet",),
            [["fast-on-x-parquet", "my-model-on-x-parquet"]],
        ),
        (
            ("fast",),
            ("a b", "a-b", "A_B"),
            [["fast-on-a-b"], ["fast-on-a-b--2"], ["fast-on-A-B--3"]],
        ),
        (("fast", "fast.onnx"), ("a",), [["fast-1-on-a", "fast-2-on-a"]]),
        (("/home/me/fast.onnx",), ("\u8868", "\u60c5"), [["fast-on"], ["fast-on--2"]]),
        (("..",), ("..",), [["on"]]),
    ],
)
def test_every_pair_has_a_folder_of_its_own(
    models: tuple[str, ...], data: tuple[str, ...], folders: list[list[str]]
) -> None:
    found = folders_of(cross(models=models, data=data))
    assert found == folders
    # Also where Faces and faces are the same.
    flat = [name.lower() for names in found for name in names]
    assert len(set(flat)) == len(flat)
