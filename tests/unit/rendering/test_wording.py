import pytest

from emolens.core.emotion import Emotion
from emolens.core.geometry import Box
from emolens.rendering.palette import ABSTAINED_RGB, EMOTION_RGB
from emolens.rendering.wording import label_code, label_rgb, label_text, label_word
from tests.unit.rendering.results import face

BOX = Box(0, 0, 9, 9)


def test_labels_say_the_class_or_that_emolens_abstains() -> None:
    assert label_text(face(BOX)) == "happy 70%"
    assert label_text(face(BOX, label=None)) == "uncertain (too small)"


@pytest.mark.parametrize(
    ("label", "word", "code"), [(Emotion.HAPPY, "happy", "ha"), (None, "uncertain", "?")]
)
def test_short_forms(label: Emotion | None, word: str, code: str) -> None:
    assert (label_word(label), label_code(label)) == (word, code)


def test_every_label_has_its_own_code_and_colour() -> None:
    labels = (*Emotion, None)
    assert len({label_code(label) for label in labels}) == 8
    assert [label_rgb(label) for label in labels] == [*EMOTION_RGB.values(), ABSTAINED_RGB]
