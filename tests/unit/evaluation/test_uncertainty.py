import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.evaluation.uncertainty import choose_threshold, risk_coverage


def test_risk_and_coverage_of_a_hand_computed_case() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.4])
    hits = np.array([True, True, False, False])
    curve = risk_coverage(confidence, hits)
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.4]
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])
    # The mean of what each face finds when it is first answered.
    assert curve.aurc == pytest.approx((0 + 1 / 3 + 1 / 3 + 1 / 2) / 4)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 100))
def test_the_curve_ends_with_all_faces_and_the_whole_risk(seed: int, n_faces: int) -> None:
    rng = np.random.default_rng(seed)
    confidence, hits = rng.integers(0, 20, n_faces) / 20, rng.random(n_faces) < 0.6
    curve = risk_coverage(confidence, hits)
    assert (np.diff(curve.thresholds) < 0).all()
    assert (np.diff(curve.coverage) > 0).all()
    assert curve.coverage[-1] == 1
    assert curve.risk[-1] == pytest.approx(1 - hits.mean())
    for threshold, coverage, risk in zip(curve.thresholds, curve.coverage, curve.risk, strict=True):
        answered = confidence >= threshold
        assert coverage == pytest.approx(answered.mean())
        assert risk == pytest.approx(1 - hits[answered].mean())


def test_a_threshold_keeps_its_promise_on_new_faces() -> None:
    rng = np.random.default_rng(1)
    n_broken = 0
    for _ in range(100):
        confidence = rng.uniform(0.3, 1, 1500)
        chosen = choose_threshold(confidence, rng.random(1500) < confidence, 0.8)
        assert chosen.threshold is not None
        assert chosen.least_accuracy is not None
        assert chosen.least_accuracy >= 0.8
        # Confidence is uniform and the true chance of a hit: the accuracy above a threshold is
        # the mean of the two ends.
        n_broken += (chosen.threshold + 1) / 2 < 0.8
    assert n_broken <= 5


def test_what_was_chosen_describes_the_faces_it_was_chosen_on() -> None:
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.3, 1, 3000)
    hits = rng.random(3000) < confidence
    chosen = choose_threshold(confidence, hits, 0.8)
    answered = confidence >= (chosen.threshold or 0)
    assert chosen.coverage == pytest.approx(answered.mean())
    assert chosen.accuracy == pytest.approx(hits[answered].mean())
    # Not needlessly careful: with all of them the answers would be right in 65 of 100.
    assert chosen.coverage > 0.4


def test_everything_is_answered_where_everything_is_right() -> None:
    chosen = choose_threshold(np.linspace(0.2, 1, 500), np.ones(500, np.bool_), 0.95)
    assert chosen.coverage == 1
    assert chosen.threshold == pytest.approx(0.2)


@pytest.mark.parametrize("n_faces", [1, 5, 500])
def test_no_threshold_is_made_up_where_none_is_known(n_faces: int) -> None:
    chosen = choose_threshold(np.linspace(0.2, 1, n_faces), np.zeros(n_faces, np.bool_), 0.8)
    assert (chosen.threshold, chosen.accuracy, chosen.least_accuracy) == (None, None, None)
    assert chosen.coverage == 0


def test_five_hits_are_too_few_for_a_promise() -> None:
    assert choose_threshold(np.linspace(0.2, 1, 5), np.ones(5, np.bool_), 0.9).threshold is None
