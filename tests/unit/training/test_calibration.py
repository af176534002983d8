from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emolens.evaluation.calibration import fit_class_scales
from emolens.training.calibration import class_scales, log_frequencies
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
