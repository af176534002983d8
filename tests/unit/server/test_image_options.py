"""Parameters of requests for images."""

import pytest
from pydantic import ValidationError

from emolens.core.emotion import Emotion
from emolens.server.image_options import AnalyzeOptions, ExplainOptions


def test_the_defaults_are_those_of_the_command() -> None:
    options = AnalyzeOptions()
    assert (options.face_crops, options.sideways, options.min_confidence) == (False, True, 0.0)


def test_values_are_read_from_text() -> None:
    options = ExplainOptions.model_validate({"sideways": "false", "emotion": "happy"})
    assert (options.sideways, options.emotion) == (False, Emotion.HAPPY)


@pytest.mark.parametrize(
    "wrong", [{"min_confidence": "1.1"}, {"min_confidence": "nan"}, {"min_confidnce": "1"}]
)
def test_wrong_values_and_unknown_names_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        AnalyzeOptions.model_validate(wrong)
