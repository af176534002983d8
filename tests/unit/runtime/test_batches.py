import numpy as np
import pytest

from emolens.runtime.batches import run_rows
from emolens.runtime.model_file import load_emotion_model


@pytest.mark.parametrize("n_rows", [1, 3, 16, 37])
def test_rows_give_the_same_in_batches_of_any_size(n_rows: int, rng: np.random.Generator) -> None:
    session = load_emotion_model("labels-small").session
    rows = rng.normal(0, 1, (n_rows, 1, 48, 48)).astype(np.float32)
    logits, maps = run_rows(session, rows, ("logits", "cam"))
    assert (len(logits), len(maps)) == (n_rows, n_rows)
    for row in (0, n_rows - 1):
        (alone,) = run_rows(session, rows[row : row + 1], ("logits",))
        np.testing.assert_allclose(alone[0], logits[row], atol=1e-4)
