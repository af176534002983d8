import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from emolens.core.errors import ConfigError
from emolens.evaluation.predictions import Predictions
from emolens.runtime import thresholds
from emolens.runtime.catalogue import KnownModel, known_models
from emolens.runtime.thresholds import find_threshold
from tests.scripts import load_script

SHIPPED = [model for model in known_models() if model.kind == "emotion"]
DOCS = Path(__file__).parents[3] / "docs"
METRICS = DOCS / "metrics"


def measured(model: KnownModel) -> dict[str, object]:
    path = Path(thresholds.__file__).parents[1] / "models/thresholds.json"
    found: dict[str, object] = json.loads(path.read_text())[model.sha256]
    return found


@pytest.mark.parametrize("model", SHIPPED, ids=lambda model: model.name)
def test_every_shipped_model_was_measured_on_the_faces_of_its_evaluation(model: KnownModel) -> None:
    found = measured(model)
    evaluation = json.loads((METRICS / f"{model.name}-majority.json").read_text())
    assert evaluation["model_sha256"] == model.sha256
    assert found["model"] == model.name
    assert found["n"] == evaluation["leak_free"]["n"]
    assert found["accuracy"] == evaluation["leak_free"]["accuracy"]


@pytest.mark.parametrize("model", SHIPPED, ids=lambda model: model.name)
def test_a_higher_share_needs_more_confidence_and_labels_fewer_faces(model: KnownModel) -> None:
    shares = [percent / 100 for percent in range(60, 98)]
    found = [find_threshold(model.sha256, share) for share in shares]
    for share, one in zip(shares, found, strict=True):
        assert one.at_least >= share
        assert one.accuracy >= one.at_least
    for one, other in itertools.pairwise(found):
        assert one.min_confidence <= other.min_confidence
        assert one.coverage >= other.coverage
    assert (found[0].min_confidence, found[0].coverage) == (0, 1)
    # Sure labels agree with the threshold of the whole split, leaks included, which is close.
    evaluation = json.loads((METRICS / f"{model.name}-majority.json").read_text())
    whole = {row["target_accuracy"]: row["threshold"] for row in evaluation["abstention"]}
    assert find_threshold(model.sha256, 0.9).min_confidence == pytest.approx(whole[0.9], abs=0.06)


def test_a_share_between_two_measured_ones_takes_the_higher_one() -> None:
    (model, *_) = SHIPPED
    assert find_threshold(model.sha256, 0.895) == find_threshold(model.sha256, 0.9)
    assert "78% of the measured faces, 92% of them correct" in str(
        find_threshold(model.sha256, 0.9)
    )


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (90, "allowed: 0 to 1. Use 0.9 for 90 %"),
        (-0.1, "allowed: 0 to 1"),
        (float("nan"), "allowed: 0 to 1"),
        (0.999, "the model everyday reaches 0.99 on the measured faces"),
    ],
)
def test_a_share_that_cannot_be_is_explained(share: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_threshold(SHIPPED[0].sha256, share)


def test_another_model_has_no_thresholds() -> None:
    with pytest.raises(ConfigError, match="known for the models everyday, labels, labels-small"):
        find_threshold("0" * 64, 0.9)


def test_the_file_is_what_its_script_writes() -> None:
    script = load_script(DOCS / "experiments/thresholds.py")
    text = (Path(thresholds.__file__).parents[1] / "models/thresholds.json").read_text()
    assert script.text_of(json.loads(text)) == text


def test_the_script_keeps_the_highest_share_of_each_threshold() -> None:
    script = load_script(DOCS / "experiments/thresholds.py")
    confidence = np.repeat(np.linspace(0.3, 0.99, 50), 40)
    is_right = np.random.default_rng(0).random(2000) < confidence
    probabilities = np.full((2000, 7), 0.0)
    probabilities[:, 3], probabilities[:, 0] = confidence, 1 - confidence
    labels = np.where(is_right == (confidence > 0.5), 3, 0)
    chosen = script.reached(Predictions(probabilities, labels))
    kept = [one.threshold for one in chosen]
    assert kept == sorted(set(kept))
    assert chosen[0].coverage == 1
    assert all(one.least_accuracy >= one.target_accuracy for one in chosen)
