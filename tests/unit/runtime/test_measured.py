from docs.results import measured

from emolens.runtime.catalogue import known_models
from emolens.runtime.measured import MEASURED_FILE, measured_accuracies

SHIPPED = ("everyday", "labels", "labels-small")


def test_the_stated_accuracies_are_those_of_the_metrics() -> None:
    assert MEASURED_FILE.read_text(encoding="utf-8") == measured(list(SHIPPED)), (
        "run: python docs/results.py everyday labels labels-small"
    )


def test_every_shipped_model_has_measured_accuracies() -> None:
    digests = {model.name: model.sha256 for model in known_models()}
    for name in SHIPPED:
        targets = [one.target for one in measured_accuracies(digests[name])]
        assert targets == ["majority", "label"]


def test_another_model_has_none() -> None:
    assert measured_accuracies("0" * 64) == ()
    assert measured_accuracies(None) == ()
