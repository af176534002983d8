from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.loading import iter_faces
from emolens.datasets.readers.fer2013_parquet import to_table
from emolens.datasets.targets import Target
from emolens.evaluation.benchmark import Benchmark, evaluate_model
from emolens.evaluation.leaks import Leaks


def test_training_rows_come_from_the_source_itself_or_from_elsewhere(
    generated_data: Path, tmp_path: Path
) -> None:
    own = Benchmark.of(generated_data, Split.PUBLIC_TEST)
    assert own.training == generated_data
    assert Benchmark.of(generated_data, Split.TRAINING).training is None
    held_out = tmp_path / "held-out.parquet"
    pq.write_table(pq.read_table(generated_data).slice(280), held_out)
    assert Benchmark.of(held_out, Split.PUBLIC_TEST).training is None
    elsewhere = Benchmark.of(held_out, Split.PUBLIC_TEST, training=generated_data)
    assert elsewhere.training == generated_data


def test_a_model_is_measured_with_one_view_with_ten_and_beside_another(
    tmp_path: Path, gray_faces: npt.NDArray[np.uint8]
) -> None:
    pictures = [cv2.imencode(".png", face)[1].tobytes() for face in gray_faces[:14]]
    table = pa.table(
        {"usage": ["PublicTest"] * 14, "emotion": list(range(7)) * 2, "image": pictures}
    )
    pq.write_table(table, tmp_path / "faces.parquet")
    benchmark = Benchmark.of(tmp_path / "faces.parquet", Split.PUBLIC_TEST)
    model, rival = (
        OnnxEmotionClassifier.load("labels-small"),
        OnnxEmotionClassifier.load("everyday"),
    )
    plain = evaluate_model(model, benchmark)
    assert plain.before_temperature is not None
    assert (plain.one_view, plain.rival, plain.leak_free) == (None, None, None)
    # Temperature changes no order.
    assert plain.before_temperature.accuracy == plain.metrics.accuracy
    whole = evaluate_model(model, benchmark, tta=True, rival=rival)
    assert whole.before_temperature is None
    assert whole.one_view is not None
    assert whole.one_view.to_dict() == plain.metrics.to_dict()
    assert whole.comparison is not None
    assert whole.rival is not None
    assert whole.comparison.accuracy_difference == pytest.approx(
        whole.rival.accuracy - whole.metrics.accuracy
    )


@pytest.fixture
def rated(generated_data: Path, tmp_path: Path) -> Path:
    """Fourteen validation faces, all labelled as angry; raters see what is there, or no face."""
    samples = list(iter_faces(generated_data, Split.PUBLIC_TEST))[:14]
    no_face = (0,) * 9 + (10,)
    labelled = [replace(one, emotion=samples[0].emotion) for one in samples]
    labelled[13] = replace(labelled[13], votes=no_face)
    pq.write_table(to_table(labelled), tmp_path / "rated.parquet")
    return tmp_path / "rated.parquet"


def test_what_raters_saw_may_be_what_is_right(rated: Path, generated_data: Path) -> None:
    by_label = Benchmark.of(rated, Split.PUBLIC_TEST)
    assert by_label.target is Target.LABEL
    assert len(by_label.load(16)) == 14
    assert len(set(by_label.load(16).labels)) == 1
    benchmark = Benchmark.of(rated, Split.PUBLIC_TEST, target=Target.MAJORITY)
    classes = [sample.emotion for sample in iter_faces(generated_data, Split.PUBLIC_TEST)][:13]
    assert benchmark.load(16).labels.tolist() == classes
    # A face without target is left out of everything.
    leaks = benchmark.leaks(lambda _what, _n: nullcontext(lambda _n_done: None))
    assert leaks.groups.shape == (13,)
    found = evaluate_model(OnnxEmotionClassifier.load("labels-small"), benchmark)
    assert found.metrics.n == 13
    assert found.predictions.labels.tolist() == classes


def test_targets_need_votes(rated: Path, tmp_path: Path) -> None:
    table = pq.read_table(rated).select(["usage", "emotion", "image"])
    pq.write_table(table, tmp_path / "plain.parquet")
    benchmark = Benchmark.of(tmp_path / "plain.parquet", Split.PUBLIC_TEST, target=Target.MAJORITY)
    with pytest.raises(DatasetError, match="the target majority is taken from FER.*'s votes"):
        benchmark.load(48)


def test_copies_that_are_known_are_not_looked_for_again(
    rated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = Benchmark.of(rated, Split.PUBLIC_TEST)
    seen = np.arange(14) < 4
    known = Leaks(np.repeat(np.arange(7), 2), seen, seen)

    def refuse(*_: object) -> Leaks:
        raise AssertionError

    monkeypatch.setattr("emolens.evaluation.benchmark.find_leaks", refuse)
    found = evaluate_model(OnnxEmotionClassifier.load("labels-small"), benchmark, leaks=known)
    assert found.n_groups == 7
    assert found.leak_free is not None
    assert (found.leak_free.n_exact, found.leak_free.n_near) == (4, 4)
    with pytest.raises(AssertionError):
        evaluate_model(OnnxEmotionClassifier.load("labels-small"), benchmark)
