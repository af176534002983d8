"""Parser for class names: words such as `Happiness`, numbers such as `3`, or both."""

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
        # The last is a misspelling in some copies of data sets.
        Emotion.SURPRISE: ("surprise", "surprised", "suprise"),
        Emotion.NEUTRAL: ("neutral",),
    }
)
ALLOWED_WORDS = ", ".join("/".join(names[:2]) for names in SPELLINGS.values())
_EMOTIONS = {name: emotion for emotion, names in SPELLINGS.items() for name in names}
# Words without information: `class_3`, `emotion 3`, `label-3`.
_IGNORED_WORDS = frozenset({"class", "emotion", "expression", "label"})
_PARTS = re.compile(r"[0-9]+|[^\W\d_]+|\d+")
_NEGATIVE = re.compile(r"\W*-[0-9]")
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ClassName:
    """A parsed class name.

    Attributes:
        number: The leading number, such as 0 in `0_angry` or 3 in `class 3`; None without one. A
            number after a word (`happy2`) is ignored.
        emotion: The emotion of its words; None for a number alone.
    """

    number: int | None
    emotion: Emotion | None


def read_class_name(name: str) -> ClassName | None:
    """Parse a class name, in any case and with any separators.

    Args:
        name: The name, such as `angry`, `0-Anger`, `03` or `class_3`.

    Returns:
        Its number, its emotion or both. None if a word is none of the seven classes, the words
        name two classes, or there is neither a word nor a number.
    """
    parts = [part for part in _PARTS.findall(name.lower()) if part not in _IGNORED_WORDS]
    if _NEGATIVE.match(name):
        return None
    number = int(parts.pop(0)) if parts and _NUMBER.fullmatch(parts[0]) else None
    words = [part for part in parts if not _NUMBER.fullmatch(part)]
    emotions = {_EMOTIONS.get(word) for word in words}
    if None in emotions or len(emotions) > 1 or (number is None and not emotions):
        return None
    # Two numbers without a word, such as a date, are ambiguous.
    if not emotions and parts:
        return None
    return ClassName(number, emotions.pop() if emotions else None)


def is_number(name: str) -> bool:
    """Return whether a class name is a number alone."""
    parsed = read_class_name(name)
    return parsed is not None and parsed.emotion is None
