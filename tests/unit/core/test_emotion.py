import json
import math

import numpy as np
import pytest

from emolens.core.emotion import LABELS, Emotion, EmotionScores
from emolens.core.errors import InputError


def scores(*values: float) -> EmotionScores:
    return EmotionScores(np.array(values, np.float32))


UNIFORM = scores(*[1 / 7] * 7)


def test_labels_stand_in_fer2013_order() -> None:
    assert LABELS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert [emotion.index for emotion in Emotion] == list(range(7))


def test_label_and_class_are_inverse() -> None:
    assert all(Emotion.from_label(emotion.label) is emotion for emotion in Emotion)
    assert all(Emotion.from_index(emotion.index) is emotion for emotion in Emotion)


@pytest.mark.parametrize("index", [-1, 7])
def test_an_index_outside_of_the_classes_is_refused(index: int) -> None:
    with pytest.raises(InputError, match=f"is {index}; allowed: 0 to 6"):
        Emotion.from_index(index)


def test_a_class_is_its_label() -> None:
    label: str = Emotion.HAPPY
    assert label == "happy"
    assert {"happy": 1}[Emotion.HAPPY] == 1
    assert json.dumps({Emotion.SAD: Emotion.SAD}) == '{"sad": "sad"}'
    assert Emotion("sad") is Emotion.SAD


def test_probabilities_are_found_by_class_and_by_label() -> None:
    given = scores(0.1, 0, 0, 0.6, 0, 0.3, 0)
    assert given[Emotion.HAPPY] == given["happy"] == pytest.approx(0.6)
    assert type(given["happy"]) is float
    with pytest.raises(InputError, match="'joy'.*allowed"):
        given["joy"]


def test_unknown_label_names_the_allowed_ones() -> None:
    with pytest.raises(InputError, match="'joy'.*angry, disgust"):
        Emotion.from_label("joy")


def test_scores_derive_top_confidence_margin_and_entropy() -> None:
    given = scores(0.1, 0, 0, 0.6, 0, 0.3, 0)
    assert given.top is Emotion.HAPPY
    assert given.confidence == pytest.approx(0.6)
    assert given.margin == pytest.approx(0.3)
    expected = -(0.1 * math.log(0.1) + 0.6 * math.log(0.6) + 0.3 * math.log(0.3))
    assert given.entropy_nats == pytest.approx(expected, rel=1e-6)


def test_entropy_reaches_its_bounds() -> None:
    assert scores(0, 0, 1, 0, 0, 0, 0).entropy_nats == 0
    assert UNIFORM.entropy_nats == pytest.approx(math.log(7))


def test_scores_are_read_only_copies() -> None:
    source = np.array([0, 0, 0, 1, 0, 0, 0], np.float32)
    given = EmotionScores(source)
    source[3] = 0
    assert given.confidence == 1
    with pytest.raises(ValueError, match="read-only"):
        given.probabilities[0] = 1


def test_to_dict_keeps_order_and_plain_numbers() -> None:
    as_dict = UNIFORM.to_dict()
    assert tuple(as_dict) == LABELS
    assert all(type(value) is float for value in as_dict.values())


@pytest.mark.parametrize(
    "values",
    [
        [0.5, 0.5],
        [0.2] * 7,
        [math.nan, 1, 0, 0, 0, 0, 0],
        [-0.5, 1.5, 0, 0, 0, 0, 0],
        [math.inf, 0, 0, 0, 0, 0, 0],
    ],
)
def test_what_is_no_distribution_is_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match="probabilities must"):
        scores(*values)


def test_an_emotion_prints_as_its_label() -> None:
    assert f"{Emotion.HAPPY} {Emotion.DISGUST!s}" == "happy disgust"


def test_every_class_is_true() -> None:
    assert all(Emotion)
    assert (Emotion.ANGRY or "uncertain") == Emotion.ANGRY
