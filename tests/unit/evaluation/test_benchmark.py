from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.classification import OnnxEmotionClassifier
from emolens.datasets.faces import Split
from emolens.evaluation.benchmark import Benchmark, evaluate_model


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
    model, rival = OnnxEmotionClassifier.load("fast"), OnnxEmotionClassifier.load("fast-int8")
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
