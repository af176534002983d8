import numpy as np
import pytest
from scipy import stats

from emolens.core.errors import InputError
from emolens.evaluation.comparison import compare
from emolens.evaluation.predictions import Predictions

pytestmark = pytest.mark.slow


def predictions(labels: list[int], named: list[int], ids: tuple[str, ...] = ()) -> Predictions:
    return Predictions(np.eye(7)[named], np.array(labels, np.int64), ids)


def test_hand_computed_case() -> None:
    labels = [0] * 10
    first = predictions(labels, [0] * 5 + [1] * 5)
    second = predictions(labels, [1] + [0] * 8 + [1])
    found = compare(first, second)
    assert (found.n, found.only_first_right, found.only_second_right) == (10, 1, 4)
    assert found.accuracy_difference == pytest.approx(0.3)
    # Five faces told them apart; one or fewer on one side: 2 * (1 + 5) / 2^5.
    assert found.mcnemar_p == pytest.approx(12 / 32)
    low, high = found.accuracy_difference_ci95
    assert low < 0.3 < high


def test_equal_models_do_not_differ() -> None:
    one = predictions([0, 1, 2], [0, 1, 1])
    found = compare(one, one)
    assert (found.mcnemar_p, found.accuracy_difference) == (1, 0)
    assert found.accuracy_difference_ci95 == (0, 0)


def test_equally_good_models_are_called_different_about_as_rarely_as_stated() -> None:
    rng = np.random.default_rng(3)
    labels = [0] * 400
    n_different = 0
    for _ in range(200):
        first, second = (
            predictions(labels, (rng.random(400) > 0.7).astype(int).tolist()) for _ in range(2)
        )
        found = compare(first, second)
        assert found.mcnemar_p == pytest.approx(
            stats.binomtest(
                found.only_first_right, found.only_first_right + found.only_second_right
            ).pvalue
        )
        n_different += found.mcnemar_p < 0.05
    assert n_different <= 18


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (predictions([0, 1], [0, 1]), "got 3 and 2"),
        (predictions([0, 1, 3], [0, 1, 2]), "1 labels differ, the first in row 3: 2 and 3"),
        (
            predictions([0, 1, 2], [0, 1, 2], ("0", "x", "2")),
            "1 faces differ, the first in row 2: 1 and x",
        ),
    ],
)
def test_other_faces_are_refused(second: Predictions, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare(predictions([0, 1, 2], [0, 1, 2]), second)
