"""The class of each class folder, from the label map, the words of its name, or its number.

A word determines the class, whatever number precedes it. Numbers alone are read in FER2013's order,
with a warning, if they are 0 to 6. Other numbers require a label map, because data sets number
their classes in different orders.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.class_names import ALLOWED_WORDS, ClassName, read_class_name
from emolens.datasets.folders import natural_key
from emolens.datasets.label_map import LEAVE_OUT, LabelMap
from emolens.datasets.label_order import order_warning
from emolens.datasets.readers import affectnet, raf_db
from emolens.datasets.reading import ReadingReport

# Published classes outside the seven.
_OTHER_CLASSES = frozenset({"contempt", "contemptuous", "unknown", "uncertain", "none", "other"})
_UNKNOWN = "?"
_N_SHOWN = 30
_Names = Mapping[Path, ClassName]


def is_class_name(name: str) -> bool:
    """Return whether a folder name is a class by its words, or a number up to 7."""
    parsed = read_class_name(name)
    if parsed is None:
        return False
    return parsed.emotion is not None or (parsed.number or 0) <= N_EMOTIONS


def label_folders(
    folders: Sequence[Path], labels: LabelMap, report: ReadingReport
) -> dict[Path, Emotion | None]:
    """Assign a class to every folder.

    Args:
        folders: All class folders of a source, of all splits.
        labels: Its label map, which takes precedence over the names.
        report: Receives a warning on the order of the numbers.

    Returns:
        The class of each folder, None if the label map leaves it out.

    Raises:
        DatasetError: A name is not a class, the order of the numbers is unknown, or names
            contradict each other. The message contains a label map to fill in.
    """
    entries = {folder: labels.class_entry(folder.name) for folder in folders}
    names = _read_names([folder for folder, entry in entries.items() if entry is None], labels)
    emotion_of = _worded_numbers(names, labels)
    numbered = [folder for folder, name in names.items() if name.emotion is None]
    if numbered:
        _check_numbers(numbered, names, emotion_of, labels)
    _warn_of_order(names, emotion_of, labels, report)
    return {
        folder: _emotion(names[folder]) if entry is None else labels.classes[entry]
        for folder, entry in entries.items()
    }


def _emotion(name: ClassName) -> Emotion:
    return Emotion.from_index(name.number or 0) if name.emotion is None else name.emotion


def _read_names(folders: Sequence[Path], labels: LabelMap) -> dict[Path, ClassName]:
    names = {folder: read_class_name(folder.name) for folder in folders}
    unknown = [folder for folder, name in names.items() if name is None]
    if unknown:
        raise _unexplained(
            unknown,
            f"allowed: {ALLOWED_WORDS}, or the numbers 0 to 6. List the folder of a split below "
            "[splits]",
            labels,
        )
    return {folder: name for folder, name in names.items() if name is not None}


def _worded_numbers(names: _Names, labels: LabelMap) -> dict[int, Emotion]:
    """Return the class of each number that precedes a word; it must be unique."""
    emotion_of: dict[int, Emotion] = {}
    first: dict[int, Path] = {}
    for folder, name in names.items():
        if name.number is None or name.emotion is None:
            continue
        other = first.setdefault(name.number, folder)
        if emotion_of.setdefault(name.number, name.emotion) is not name.emotion:
            raise _unexplained(
                [other, folder],
                f"the number {name.number} is {emotion_of[name.number].label} in {other.name!r} "
                f"but {name.emotion.label} in {folder.name!r}",
                labels,
            )
    return emotion_of


def _check_numbers(
    numbered: Sequence[Path], names: _Names, emotion_of: Mapping[int, Emotion], labels: LabelMap
) -> None:
    """Refuse numbers alone that may be in another order than FER2013's."""
    if labels.names_numbers:
        reason = f"{labels.file} lists some numbers, so it must list every number"
        raise _unexplained(numbered, reason, labels)
    other = [f"{number} {one}" for number, one in emotion_of.items() if number != one.index]
    if other:
        reason = (
            "its name is a number alone, and the other folders number their classes in another "
            f"order than FER2013's ({', '.join(other)})"
        )
        raise _unexplained(numbered, reason, labels, guesses=emotion_of)
    numbers = {names[folder].number or 0 for folder in numbered}
    if 0 in numbers | emotion_of.keys() and max(numbers) < N_EMOTIONS:
        return
    guesses, data_sets = _known_order(numbers)
    listed = ", ".join(map(str, sorted(numbers)))
    reason = (
        f"numbers are read in FER2013's order only if they are 0 to 6; found {listed}{data_sets}"
    )
    raise _unexplained(numbered, reason, labels, guesses=guesses)


def _known_order(numbers: set[int]) -> tuple[dict[int, Emotion | None], str]:
    """Return the order of a data set with exactly these numbers, and its name for the message."""
    affectnet_codes = range(8)  # the classes of the release with cropped faces
    if numbers == set(affectnet_codes):
        order = {code: affectnet.SHEET.class_of(str(code), "").emotion for code in affectnet_codes}
        return order, ", as in AffectNet (below) but also, in other orders, in FER+ and CK+"
    order = {int(one.code): one.emotion for one in raf_db.SHEET.classes}
    if numbers == order.keys():
        return order, ", as in RAF-DB (below)"
    return {}, ""


def _unexplained(
    folders: Sequence[Path],
    reason: str,
    labels: LabelMap,
    *,
    guesses: Mapping[int, Emotion | None] | None = None,
) -> DatasetError:
    """Return an error that shows the label map to write."""
    by_name = {folder.name: folder for folder in reversed(folders)}
    shown = sorted(by_name, key=natural_key)
    lines = [f"{_quoted(name)} = {_quoted(_guess(name, guesses or {}))}" for name in shown]
    if len(lines) > _N_SHOWN:
        lines[_N_SHOWN:] = [f"# and {len(lines) - _N_SHOWN} more"]
    action = "Add these lines below [classes] in" if labels.classes else "Write these lines into"
    return DatasetError(
        f"{by_name[shown[0]]}: unknown class folder {shown[0]!r}; {reason}. {action} "
        f'{labels.file}. Replace each "{_UNKNOWN}" by a class such as "happy" or by '
        f'"{LEAVE_OUT}", and check the other lines:\n[classes]\n' + "\n".join(lines)
    )


def _guess(name: str, guesses: Mapping[int, Emotion | None]) -> str:
    parsed = read_class_name(name)
    if parsed is None:
        return LEAVE_OUT if name.lower() in _OTHER_CLASSES else _UNKNOWN
    if parsed.emotion is not None:
        return parsed.emotion.label
    number = parsed.number or 0
    if number not in guesses:
        return _UNKNOWN
    emotion = guesses[number]
    return LEAVE_OUT if emotion is None else emotion.label


def _quoted(text: str) -> str:
    """Quote a text as a basic string of TOML, which has the syntax of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _warn_of_order(
    names: _Names, emotion_of: Mapping[int, Emotion], labels: LabelMap, report: ReadingReport
) -> None:
    """Warn that numbers were read in FER2013's order, or that words overruled the numbers."""
    root = labels.file.parent
    numbered = {folder.name for folder, name in names.items() if name.emotion is None}
    if numbered:
        listed = ", ".join(sorted(numbered, key=natural_key))
        action = f"If this order is wrong, assign the classes in {labels.file}."
        report.warn(order_warning(f"{root}: the class folders {listed}", action))
    elif any(number != emotion.index for number, emotion in emotion_of.items()):
        order = ", ".join(f"{number} {emotion_of[number].label}" for number in sorted(emotion_of))
        report.warn(
            f"{root}: the class folders are numbered in another order than FER2013's ({order}); "
            "their classes are read from the words"
        )
