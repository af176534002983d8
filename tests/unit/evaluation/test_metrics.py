import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from emolens.core.errors import InputError
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions


def predictions(labels: list[int], predicted: list[int], confidence: float = 0.7) -> Predictions:
    probabilities = np.full((len(labels), 7), (1 - confidence) / 6)
    probabilities[np.arange(len(labels)), predicted] = confidence
    return Predictions(probabilities, np.array(labels, np.int64))


def random_predictions(seed: int, n_faces: int) -> Predictions:
    rng = np.random.default_rng(seed)
    return Predictions(rng.dirichlet(np.ones(7), n_faces), rng.integers(0, 7, n_faces))


def test_hand_computed_case() -> None:
    metrics = compute_metrics(predictions([0, 0, 3, 3, 3], [0, 3, 3, 3, 6]))
    assert metrics.accuracy == pytest.approx(3 / 5)
    assert metrics.per_class["angry"].recall == pytest.approx(1 / 2)
    assert metrics.per_class["angry"].precision == 1
    assert metrics.per_class["happy"].precision == pytest.approx(2 / 3)
    assert metrics.balanced_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert metrics.confusion_matrix[0].tolist() == [1, 0, 0, 1, 0, 0, 0]
    assert metrics.nll == pytest.approx(-(3 * math.log(0.7) + 2 * math.log(0.05)) / 5)
    hit, miss = 0.3**2 + 6 * 0.05**2, 0.7**2 + 0.95**2 + 5 * 0.05**2
    assert metrics.brier == pytest.approx((3 * hit + 2 * miss) / 5)
    assert metrics.ece == pytest.approx(0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 200))
def test_metrics_agree_with_scikit_learn(seed: int, n_faces: int) -> None:
    given = random_predictions(seed, n_faces)
    metrics = compute_metrics(given)
    labels, predicted = given.labels, given.predicted
    occurring = np.unique(labels)
    assert metrics.accuracy == pytest.approx(sk.accuracy_score(labels, predicted))
    assert metrics.balanced_accuracy == pytest.approx(
        sk.recall_score(labels, predicted, labels=occurring, average="macro", zero_division=0)
    )
    assert metrics.macro_f1 == pytest.approx(
        sk.f1_score(labels, predicted, labels=occurring, average="macro", zero_division=0)
    )
    assert metrics.nll == pytest.approx(
        sk.log_loss(labels, given.probabilities, labels=range(7)), rel=1e-6
    )


def test_a_class_that_never_occurs_has_no_metrics() -> None:
    metrics = compute_metrics(predictions([0, 0, 3], [0, 1, 3]))
    assert metrics.per_class["sad"].recall is None
    assert metrics.per_class["sad"].precision is None
    assert metrics.per_class["disgust"].precision == 0
    assert metrics.per_class["disgust"].f1 is None
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_a_class_that_is_never_named_has_no_precision_but_counts_as_missed() -> None:
    metrics = compute_metrics(predictions([0, 3], [3, 3]))
    angry = metrics.per_class["angry"]
    assert (angry.precision, angry.recall, angry.f1) == (None, 0, 0)


def test_the_same_predictions_give_the_same_metrics() -> None:
    first, second = (compute_metrics(random_predictions(3, 500)).to_dict() for _ in range(2))
    assert first == second


@pytest.mark.slow
def test_the_interval_covers_the_true_accuracy_about_95_times_in_100() -> None:
    rng = np.random.default_rng(5)
    n_covered = 0
    for _ in range(200):
        labels = np.zeros(300, np.int64)
        predicted = (rng.random(300) > 0.7).astype(int)
        low, high = compute_metrics(predictions(labels.tolist(), predicted.tolist())).accuracy_ci95
        n_covered += low <= 0.7 <= high
    assert 180 <= n_covered <= 199


def test_the_interval_of_a_perfect_score_is_a_point() -> None:
    assert compute_metrics(predictions([0, 1], [0, 1])).accuracy_ci95 == (1, 1)


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.empty((0, 7)), [], "no faces"),
        (np.full((2, 7), 1 / 7), [0], "shape"),
        (np.full((1, 7), np.nan), [0], "1 of 1 predictions are not finite"),
        (np.full((1, 7), 1 / 7), [7], "labels must be 0..6"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    probabilities: npt.NDArray[np.float64], labels: list[int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Predictions(probabilities, np.array(labels, np.int64))


def test_classes_without_faces_have_no_row_but_a_column_if_predicted() -> None:
    found = compute_metrics(predictions([0, 0, 3, 3], [0, 2, 3, 3]))
    assert found.with_faces == ("angry", "happy")
    assert found.without_faces == ("disgust", "fear", "sad", "surprise", "neutral")
    assert found.predicted_labels == ("angry", "fear", "happy")
    assert found.shown_matrix.tolist() == [[1, 1, 0], [0, 0, 2]]
