from dataclasses import replace
from pathlib import Path

import numpy as np

from emolens.datasets.faces import Split
from emolens.evaluation.benchmark import Benchmark
from emolens.evaluation.evaluation import evaluate
from emolens.evaluation.leaks import Leaks
from emolens.reports.evaluation_text import evaluation_text
from emolens.reports.text import TextTable
from tests.unit.evaluation.cases import answers, faces_with_votes
from tests.unit.evaluation.cross_cases import cell


def test_a_model_a_split_and_the_classes_have_their_real_names() -> None:
    faces = faces_with_votes(70)
    three = faces.take(np.flatnonzero(np.isin(faces.labels, (0, 3, 6))))
    leaks = Leaks(np.arange(len(three)), None, None)
    found = evaluate(answers(three, share_right=1.0), three, leaks, temperature=1.0)
    one = cell("default")
    one = replace(
        one,
        benchmark=Benchmark(Path("mine"), Split.VALIDATION, split_folders=("val",)),
        evaluation=found,
        record={**one.record, "model": "labels", "model_sha256": "12345678" + "0" * 56},
    )
    blocks = list(evaluation_text(one))
    assert blocks[0] == "**labels (12345678)**, ground truth: labels"
    assert str(blocks[1]).endswith("faces of validation (folder val)")
    per_class, confusion = [block for block in blocks if isinstance(block, TextTable)]
    assert [row[0] for row in per_class.rows] == ["angry", "happy", "neutral"]
    assert confusion.headings == ("label / predicted", "angry", "happy", "neutral")
    assert confusion.strong == {(0, 1), (1, 2), (2, 3)}
    assert "no faces: disgust, fear, sad, surprise" in blocks
