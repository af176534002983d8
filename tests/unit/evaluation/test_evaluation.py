import json

import numpy as np
import pytest
from scipy import special

from emolens.evaluation.calibration import untempered
from emolens.evaluation.evaluation import evaluate
from emolens.evaluation.leaks import Leaks
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions
from tests.unit.evaluation.cases import answers, evaluation, faces_with_votes


def test_leaked_faces_are_left_out_and_counted() -> None:
    found = evaluation()
    assert found.leak_free is not None
    assert (found.leak_free.n_exact, found.leak_free.n_near) == (6, 10)
    rest = found.predictions.take(np.arange(10, 140))
    assert found.leak_free.metrics is not None
    assert found.leak_free.metrics.to_dict() == compute_metrics(rest).to_dict()


def test_metrics_before_the_temperature_are_those_of_the_logits() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (50, 7))
    labels = rng.integers(0, 7, 50)
    shown = Predictions(special.softmax(logits / 2.5, axis=1), labels)
    np.testing.assert_allclose(
        untempered(shown, 2.5).probabilities, special.softmax(logits, axis=1), atol=1e-9
    )


def test_a_record_is_plain_and_says_why_something_is_missing() -> None:
    whole = json.loads(json.dumps(evaluation().to_dict(), allow_nan=False))
    assert whole["not_defined"] == {}
    assert whole["ferplus"]["labels_with_single_rater"] == pytest.approx((6 * 0.6 + 1) / 7)
    assert [one["target_accuracy"] for one in whole["abstention"]] == [0.8, 0.9, 0.95]
    assert whole["before_temperature"]["ece"] != whole["ece"]
    assert "per_class" not in whole["before_temperature"]
    assert len(whole["risk_coverage"]["risk"]) == 100
    assert whole["risk_coverage"]["coverage"][-1] == 1
    bare = evaluation(votes=False, training=False).to_dict()
    assert bare["ferplus"] is None
    assert bare["leak_free"] is None
    assert bare["not_defined"] == {
        "ferplus": "the data set has no FER+ votes",
        "leak_free": "there are no training rows to compare with",
    }


def test_means_of_views_have_no_temperature() -> None:
    faces = faces_with_votes(70)
    leaks = Leaks(np.arange(70), None, None)
    found = evaluate(answers(faces), faces, leaks, temperature=None)
    assert found.before_temperature is None
    assert found.bins_before is None
    reasons = found.to_dict()["not_defined"]
    assert isinstance(reasons, dict)
    assert "ten views" in reasons["before_temperature"]


def test_nothing_is_left_where_every_face_was_seen() -> None:
    faces = faces_with_votes(14)
    seen = np.ones(14, np.bool_)
    found = evaluate(answers(faces), faces, Leaks(np.arange(14), seen, seen), temperature=1.0)
    record = found.to_dict()
    assert record["leak_free"] == {"n_exact": 14, "n_near": 14, "n": 0}
    assert record["not_defined"] == {"leak_free": "every evaluated face is in the training rows"}


def test_copies_count_as_one_in_the_interval() -> None:
    faces = faces_with_votes(140)
    apart, together = (
        evaluate(answers(faces), faces, Leaks(groups, None, None), temperature=1.0)
        for groups in (np.arange(140), np.repeat(np.arange(14), 10))
    )
    assert (apart.n_groups, together.n_groups) == (140, 14)
    assert apart.metrics.accuracy == together.metrics.accuracy
    assert apart.metrics.accuracy_ci95 != together.metrics.accuracy_ci95
