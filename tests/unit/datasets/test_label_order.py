import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.label_order import LabelColumn
from emolens.datasets.reading import ReadingReport

PUBLISHED = {"train": {emotion.label: 1 for emotion in Emotion}}


def warnings(*texts: str, split: Split | None = Split.TRAIN) -> list[str]:
    report, labels = ReadingReport(), LabelColumn(PUBLISHED)
    for text in texts:
        labels.read(text, split, "a.csv: row 1")
    labels.warn("a.csv", report)
    return report.warnings


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        *((str(emotion.index), emotion) for emotion in Emotion),
        *(("3.0", Emotion.HAPPY), ("3.", Emotion.HAPPY), ("3,00", Emotion.HAPPY)),
        *(("03", Emotion.HAPPY), ("Happy", Emotion.HAPPY), ("ANGER", Emotion.ANGRY)),
        *(("3_happy", Emotion.HAPPY), ("1 happy", Emotion.HAPPY)),
    ],
)
def test_numbers_and_words_are_read(text: str, emotion: Emotion) -> None:
    assert LabelColumn(PUBLISHED).read(text, None, "") is emotion


@pytest.mark.parametrize(
    "text", ["", "7", "3.5", "-1", "1e0", "nan", "3.0.0", "contempt", "\u0663"]
)
def test_other_labels_are_refused(text: str) -> None:
    message = r"^a\.csv: row 9: emotion is .*; expected a whole number from 0 to 6 .* or a word"
    with pytest.raises(DatasetError, match=message):
        LabelColumn(PUBLISHED).read(text, None, "a.csv: row 9")


def test_numbers_are_told_in_whose_order_they_were_read() -> None:
    [warning] = warnings("0", "3")

    assert warning.startswith("a.csv: the labels are numbers, read in FER2013's order (0 angry, 1 ")
    assert warning.endswith(
        "If this order is wrong, write the classes as words (angry, disgust, ...)."
    )


def test_numbers_without_0_may_count_from_1() -> None:
    [warning] = warnings("1", "6")

    assert "No row has 0, so the labels may start at 1." in warning


def test_words_need_no_warning() -> None:
    assert warnings("angry", "happy") == []
    assert warnings() == []


def test_the_numbers_of_fer2013_itself_need_no_warning() -> None:
    of_all = [str(number) for number in range(7)]

    assert warnings(*of_all) == []
    assert len(warnings(*of_all, "3")) == len(warnings(*of_all, split=None)) == 1
    assert len(warnings(*of_all, split=Split.VALIDATION)) == 1
