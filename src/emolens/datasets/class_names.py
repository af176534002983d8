"""What the name of a class says: words such as `Happiness`, numbers such as `3`, or both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from emolens.core.emotion import Emotion

SPELLINGS: Mapping[Emotion, tuple[str, ...]] = MappingProxyType(
    {
        Emotion.ANGRY: ("angry", "anger"),
        Emotion.DISGUST: ("disgust", "disgusted"),
        Emotion.FEAR: ("fear", "fearful"),
        Emotion.HAPPY: ("happy", "happiness"),
        Emotion.SAD: ("sad", "sadness"),
        # The last is a slip that some copies of data sets have.
        Emotion.SURPRISE: ("surprise", "surprised", "suprise"),
        Emotion.NEUTRAL: ("neutral",),
    }
)
ALLOWED_WORDS = ", ".join("/".join(names[:2]) for names in SPELLINGS.values())
_EMOTIONS = {name: emotion for emotion, names in SPELLINGS.items() for name in names}
# Words that say nothing: `class_3`, `emotion 3`, `label-3`.
_EMPTY_WORDS = frozenset({"class", "emotion", "expression", "label"})
_PARTS = re.compile(r"[0-9]+|[^\W\d_]+|\d+")
_NEGATIVE = re.compile(r"\W*-[0-9]")
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ClassName:
    """What a name says.

    Attributes:
        number: The number that it starts with, such as 0 of `0_angry` or 3 of `class 3`; None
            where it has none. A number after a word (`happy2`) only counts parts.
        emotion: What its words say; None where it has no words, which leaves the number.
    """

    number: int | None
    emotion: Emotion | None


def read_class_name(name: str) -> ClassName | None:
    """Read the name of a class, in any case and with any signs between its parts.

    Args:
        name: Such as `angry`, `0-Anger`, `03`, `class_3`.

    Returns:
        Its number and emotion, at least one of them; None where it has a word that names none of
        the seven, words of two emotions, or neither word nor number.
    """
    parts = [part for part in _PARTS.findall(name.lower()) if part not in _EMPTY_WORDS]
    if _NEGATIVE.match(name):
        return None
    number = int(parts.pop(0)) if parts and _NUMBER.fullmatch(parts[0]) else None
    words = [part for part in parts if not _NUMBER.fullmatch(part)]
    emotions = {_EMOTIONS.get(word) for word in words}
    if None in emotions or len(emotions) > 1 or (number is None and not emotions):
        return None
    # Two numbers and no word, such as a date, leave open which one counts.
    if not emotions and parts:
        return None
    return ClassName(number, emotions.pop() if emotions else None)


def is_number(name: str) -> bool:
    """Whether the name of a class says a number and nothing else."""
    found = read_class_name(name)
    return found is not None and found.emotion is None
