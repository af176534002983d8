"""The order of numeric labels, and the warning about it.

Data sets number their classes in different orders: 0 is angry in FER2013, neutral in AffectNet and
FER+. A number alone is read in FER2013's order, with a warning. Words need no assumption.
"""

import re
from collections import Counter
from collections.abc import Mapping

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.class_names import ALLOWED_WORDS, read_class_name
from emolens.datasets.faces import Split
from emolens.datasets.image_lists import shown
from emolens.datasets.reading import ReadingReport

FER2013_ORDER = ", ".join(f"{emotion.index} {emotion.label}" for emotion in Emotion)
# pandas writes integers as 3.0 if a column has missing values; a spreadsheet may write 3,0.
_NUMBER = re.compile(r"([0-9]{1,9})([.,]0*)?", re.ASCII)


def order_warning(labels: str, action: str) -> str:
    """Format the warning that labels are numbers.

    Args:
        labels: The labels, such as `"a.csv: the labels"`.
        action: The remedy for a wrong order, as a sentence.
    """
    return (
        f"{labels} are numbers, read in FER2013's order ({FER2013_ORDER}). Other data sets use "
        "other orders: 0 is neutral in AffectNet and FER+, 4 is neutral in alphabetical order. "
        f"{action}"
    )


class LabelColumn:
    """A parser for the labels of a table, which warns about the order of numbers after one pass.

    Args:
        published: FER2013's number of faces, by split and label. A table with exactly these counts
            needs no warning.
    """

    def __init__(self, published: Mapping[str, Mapping[str, int]]) -> None:
        self._published = published
        self._known: dict[str, tuple[Emotion, bool]] = {}
        self._numbered: dict[Split | None, Counter[Emotion]] = {}

    def read(self, text: str, split: Split | None, location: str) -> Emotion:
        """Parse a label.

        Args:
            text: A whole number from 0 to 6, also as `3.0`, or a word such as `happy`.
            split: The split of the row.
            location: The file and row, for the message.

        Raises:
            DatasetError: The label is neither.
        """
        if text not in self._known:
            self._known[text] = _read_label(text, location)
        emotion, is_number = self._known[text]
        if is_number:
            self._numbered.setdefault(split, Counter())[emotion] += 1
        return emotion

    def warn(self, source: object, report: ReadingReport) -> None:
        """Warn about the order of the numbers read so far, unless the faces are FER2013's."""
        if all(self._is_published(split) for split in self._numbered):
            return
        counts = sum(self._numbered.values(), Counter())
        from_one = "" if counts[Emotion.ANGRY] else "No row has 0, so the labels may start at 1. "
        action = (
            f"{from_one}If this order is wrong, write the classes as words (angry, disgust, ...)."
        )
        report.warn(order_warning(f"{source}: the labels", action))

    def _is_published(self, split: Split | None) -> bool:
        numbered = self._numbered[split]
        counts = {emotion.label: numbered[emotion] for emotion in Emotion}
        return split is not None and counts == self._published.get(split)


def _read_label(text: str, location: str) -> tuple[Emotion, bool]:
    number = _NUMBER.fullmatch(text)
    if number and int(number[1]) < N_EMOTIONS:
        return Emotion.from_index(int(number[1])), True
    name = read_class_name(text)
    if name and name.emotion is not None:
        return name.emotion, False
    raise DatasetError(
        f"{location}: emotion is {shown(text)}; expected a whole number from 0 to {N_EMOTIONS - 1} "
        f"in FER2013's order ({FER2013_ORDER}), or a word ({ALLOWED_WORDS}). Remove rows of other "
        "classes."
    )
