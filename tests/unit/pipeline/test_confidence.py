import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError
from emolens.pipeline.confidence import check_min_confidence, confident_label
from tests.results import scores


def test_a_label_needs_the_probability() -> None:
    sure = scores(top=3, confidence=0.7)
    assert confident_label(sure, 0.69) is Emotion.HAPPY
    assert confident_label(sure, 0.71) is None
    assert confident_label(sure, 0.0, Emotion.ANGRY) is Emotion.ANGRY
    assert confident_label(sure, 0.69, Emotion.ANGRY) is None


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan")])
def test_other_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(ConfigError, match="allowed: 0 to 1"):
        check_min_confidence(wrong)
    check_min_confidence(0)
    check_min_confidence(1)
