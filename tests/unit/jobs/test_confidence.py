import pytest

from emolens import Models
from emolens.core.errors import ConfigError
from emolens.jobs.confidence import chosen_confidence


def test_a_confidence_is_given_or_chosen_by_the_share_of_right_labels() -> None:
    models, said = Models(), list[str]()
    assert chosen_confidence(models, None, None, on_message=said.append) == 0
    assert chosen_confidence(models, 0.5, None, on_message=said.append) == 0.5
    assert said == []
    chosen = chosen_confidence(models, None, 0.9, on_message=said.append)
    assert chosen == models.threshold(0.9).min_confidence > 0.5
    assert said == [str(models.threshold(0.9))]


def test_not_both() -> None:
    with pytest.raises(ConfigError, match="Omit one of them"):
        chosen_confidence(Models(), 0.5, 0.9)
