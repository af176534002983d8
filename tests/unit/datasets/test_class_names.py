import pytest

from emolens.core.emotion import Emotion
from emolens.datasets.class_names import SPELLINGS, ClassName, is_number, read_class_name


@pytest.mark.parametrize(
    ("name", "number", "emotion"),
    [
        ("angry", None, Emotion.ANGRY),
        ("HAPPINESS", None, Emotion.HAPPY),
        ("Surprised ", None, Emotion.SURPRISE),
        ("suprise", None, Emotion.SURPRISE),
        ("0_angry", 0, Emotion.ANGRY),
        ("0-Anger", 0, Emotion.ANGRY),
        ("1. Happy", 1, Emotion.HAPPY),
        ("(2) sad", 2, Emotion.SAD),
        ("6neutral", 6, Emotion.NEUTRAL),
        ("3 happy happiness", 3, Emotion.HAPPY),
        ("happy2", None, Emotion.HAPPY),  # a part, not a class
        ("emotion_sad", None, Emotion.SAD),
        ("03", 3, None),
        ("7", 7, None),
        ("class_3", 3, None),
        ("Emotion 3", 3, None),
        ("label-3", 3, None),
    ],
)
def test_words_and_numbers_of_a_name_are_read(
    name: str, number: int | None, emotion: Emotion | None
) -> None:
    assert read_class_name(name) == ClassName(number, emotion)
    assert is_number(name) == (emotion is None)


@pytest.mark.parametrize(
    "name",
    [
        *("", "class", "contempt", "0_contempt", "not happy", "Happily_Surprised", "happy_sad"),
        *("-1", "2019-01", "3.0", "angryface", "1st happy", "9" * 40, "\u0663"),
    ],
)
def test_other_names_are_none(name: str) -> None:
    assert read_class_name(name) is None
    assert not is_number(name)


def test_every_spelling_means_one_emotion() -> None:
    for emotion, names in SPELLINGS.items():
        assert {read_class_name(name.upper()) for name in names} == {ClassName(None, emotion)}
