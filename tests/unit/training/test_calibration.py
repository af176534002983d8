from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.evaluation.calibration import fit_class_scales
from emolens.training.calibration import calibration_faces, class_scales, log_frequencies
from tests.recipes import small_recipe


def test_scales_are_fitted(rng: np.random.Generator) -> None:
    logits, labels = rng.normal(0, 1, (300, 7)), rng.integers(0, 7, 300)
    found = class_scales(small_recipe(Path("x")), logits, labels)
    np.testing.assert_array_equal(found, fit_class_scales(logits, labels))
    assert not np.allclose(found, 1)


@pytest.mark.parametrize(
    "sections",
    [
        {"loss": {"class_weights": "sqrt"}},
        {"loss": {"logit_adjustment": 1.0}},
        {"answer": {"balance": 0.2}},
        {"data": {"source": "x", "sampling": "balanced"}},
    ],
    ids=str,
)
def test_what_a_recipe_gives_to_rare_classes_is_not_taken_back(
    sections: dict[str, Any], rng: np.random.Generator
) -> None:
    logits, labels = rng.normal(0, 1, (300, 7)), rng.integers(0, 7, 300)
    np.testing.assert_array_equal(
        class_scales(small_recipe(Path("x"), **sections), logits, labels), 1
    )


def test_frequencies_of_classes_that_do_not_occur_are_left_alone() -> None:
    labels = np.array([0, 0, 0, 6])
    np.testing.assert_allclose(np.exp(log_frequencies(labels)), [0.75, 1, 1, 1, 1, 1, 0.25])


def test_calibration_leaves_out_faces_that_stand_in_the_training_rows(
    generated_data: Path, tmp_path: Path
) -> None:
    table = pq.read_table(generated_data)
    usage = table["usage"].to_pylist()
    n_copies = 9
    seen = [row for row, split in enumerate(usage) if split == "Training"][:n_copies]
    tested = [row for row, split in enumerate(usage) if split == "PublicTest"]
    order = seen + tested
    held_out = table.take(order).set_column(
        table.schema.get_field_index("usage"), "usage", pa.array(["PublicTest"] * len(order))
    )
    source = tmp_path / "copies.parquet"
    training = table.take([row for row, split in enumerate(usage) if split == "Training"])
    pq.write_table(pa.concat_tables([held_out, training]), source)
    faces = load_faces(source, Split.VALIDATION)
    everything, labels = calibration_faces(small_recipe(source), faces)
    np.testing.assert_array_equal(everything, np.arange(len(order)))
    np.testing.assert_array_equal(labels, faces.labels)
    rows, labels = calibration_faces(small_recipe(source, answer={"leak_free": True}), faces)
    assert rows.min() >= n_copies
    assert len(rows) > len(tested) / 2
    np.testing.assert_array_equal(labels, faces.labels[rows])
    pq.write_table(pa.concat_tables([held_out.slice(0, n_copies), training]), source)
    with pytest.raises(DatasetError, match="every validation face is a near-duplicate"):
        calibration_faces(
            small_recipe(source, answer={"leak_free": True}), load_faces(source, Split.VALIDATION)
        )
