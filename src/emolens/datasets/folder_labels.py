"""Which class each of some class folders is: by its label map, its words, or its number.

Words say what they mean, whatever number stands before them. Numbers alone are read in FER2013's
order where they look like it, 0 to 6, with a warning; any others must be explained: data sets
count their classes in different orders.
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

# Published classes that are none of the seven.
_OTHER_CLASSES = frozenset({"contempt", "contemptuous", "unknown", "uncertain", "none", "other"})
_UNKNOWN = "?"
_N_SHOWN = 30
_Names = Mapping[Path, ClassName]


def is_class_name(name: str) -> bool:
    """Whether a folder may be one of class folders: a class by its words, or a number up to 7."""
    found = read_class_name(name)
    if found is None:
        return False
    return found.emotion is not None or (found.number or 0) <= N_EMOTIONS


def label_folders(
    folders: Sequence[Path], labels: LabelMap, report: ReadingReport
) -> dict[Path, Emotion | None]:
    """The class of every folder, None where the label map leaves it out.

    Args:
        folders: All class folders of a source, of all splits.
        labels: Its label map, which wins over what the names say.
        report: Where it is told in whose order numbers were read.

    Raises:
        DatasetError: A name is no class, numbers are in an order that is not known, or names
            contradict each other; the message shows a label map to write.
    """
    entries = {folder: labels.class_entry(folder.name) for folder in folders}
    names = _read_names([folder for folder, entry in entries.items() if entry is None], labels)
    meanings = _worded_numbers(names, labels)
    numbered = [folder for folder, name in names.items() if name.emotion is None]
    if numbered:
        _check_numbers(numbered, names, meanings, labels)
    _note_order(names, meanings, labels, report)
    return {
        folder: _emotion(names[folder]) if entry is None else labels.classes[entry]
        for folder, entry in entries.items()
    }


def _emotion(name: ClassName) -> Emotion:
    return Emotion(name.number or 0) if name.emotion is None else name.emotion


def _read_names(folders: Sequence[Path], labels: LabelMap) -> dict[Path, ClassName]:
    names = {folder: read_class_name(folder.name) for folder in folders}
    unknown = [folder for folder, name in names.items() if name is None]
    if unknown:
        raise _unexplained(
            unknown,
            f"allowed: {ALLOWED_WORDS}, or the numbers 0 to 6; what is no class but a split goes "
            "below [splits]",
            labels,
        )
    return {folder: name for folder, name in names.items() if name is not None}


def _worded_numbers(names: _Names, labels: LabelMap) -> dict[int, Emotion]:
    """What the numbers mean that stand before words; no number may stand for two classes."""
    meanings: dict[int, Emotion] = {}
    first: dict[int, Path] = {}
    for folder, name in names.items():
        if name.number is None or name.emotion is None:
            continue
        other = first.setdefault(name.number, folder)
        if meanings.setdefault(name.number, name.emotion) is not name.emotion:
            raise _unexplained(
                [other, folder],
                f"its number {name.number} stands before {meanings[name.number].label} in "
                f"{other.name!r} but before {name.emotion.label} here",
                labels,
            )
    return meanings


def _check_numbers(
    numbered: Sequence[Path], names: _Names, meanings: Mapping[int, Emotion], labels: LabelMap
) -> None:
    """Refuse numbers alone that FER2013's order may not be meant by."""
    if labels.names_numbers:
        why = f"{labels.file} must name every number if it names one"
        raise _unexplained(numbered, why, labels)
    contradicted = [f"{number} {one.label}" for number, one in meanings.items() if number != one]
    if contradicted:
        why = (
            "it is a number alone, and the numbers before words have another order than FER2013's "
            f"({', '.join(contradicted)})"
        )
        raise _unexplained(numbered, why, labels, guesses=meanings)
    numbers = {names[folder].number or 0 for folder in numbered}
    if 0 in numbers | meanings.keys() and max(numbers) < N_EMOTIONS:
        return
    guesses, whose = _known_order(numbers)
    listed = ", ".join(map(str, sorted(numbers)))
    why = (
        f"numbers are read in FER2013's order where they are 0 to 6, but here they are {listed}"
        f"{whose}"
    )
    raise _unexplained(numbered, why, labels, guesses=guesses)


def _known_order(numbers: set[int]) -> tuple[dict[int, Emotion | None], str]:
    """Which data set counts with just these numbers, and what is to be said of that."""
    affectnet_codes = range(8)  # the classes of the release with cut-out faces
    if numbers == set(affectnet_codes):
        order = {code: affectnet.SHEET.class_of(str(code), "").emotion for code in affectnet_codes}
        return order, ", as in AffectNet (below) but also, in other orders, in FER+ and CK+"
    order = {int(one.code): one.emotion for one in raf_db.SHEET.classes}
    if numbers == order.keys():
        return order, ", as in RAF-DB (below)"
    return {}, ""


def _unexplained(
    folders: Sequence[Path],
    why: str,
    labels: LabelMap,
    *,
    guesses: Mapping[int, Emotion | None] | None = None,
) -> DatasetError:
    """An error with the lines to write."""
    by_name = {folder.name: folder for folder in reversed(folders)}
    shown = sorted(by_name, key=natural_key)
    lines = [f"{_quoted(name)} = {_quoted(_guess(name, guesses or {}))}" for name in shown]
    if len(lines) > _N_SHOWN:
        lines[_N_SHOWN:] = [f"# and {len(lines) - _N_SHOWN} more"]
    where = f"add to {labels.file} below" if labels.classes else f"write into {labels.file}, below"
    return DatasetError(
        f"{by_name[shown[0]]}: unknown class folder {shown[0]!r}; {why}. To say what the folders "
        f'are, {where} [classes] ("happy" or another class, or "{LEAVE_OUT}", in place of each '
        f'"{_UNKNOWN}"; check the others too):\n[classes]\n' + "\n".join(lines)
    )


def _guess(name: str, guesses: Mapping[int, Emotion | None]) -> str:
    found = read_class_name(name)
    if found is None:
        return LEAVE_OUT if name.lower() in _OTHER_CLASSES else _UNKNOWN
    if found.emotion is not None:
        return found.emotion.label
    number = found.number or 0
    if number not in guesses:
        return _UNKNOWN
    emotion = guesses[number]
    return LEAVE_OUT if emotion is None else emotion.label


def _quoted(text: str) -> str:
    """A basic string of TOML, which is written as in JSON."""
    return json.dumps(text, ensure_ascii=False)


def _note_order(
    names: _Names, meanings: Mapping[int, Emotion], labels: LabelMap, report: ReadingReport
) -> None:
    """Tell in whose order numbers were read, or that words were read though the numbers differ."""
    root = labels.file.parent
    numbered = {folder.name for folder, name in names.items() if name.emotion is None}
    if numbered:
        listed = ", ".join(sorted(numbered, key=natural_key))
        cure = f"if this one does too, say what they are in {labels.file}"
        report.warn(order_warning(f"{root}: the class folders {listed}", cure))
    elif any(number != emotion for number, emotion in meanings.items()):
        order = ", ".join(f"{number} {meanings[number].label}" for number in sorted(meanings))
        report.warn(
            f"{root}: the class folders have another order of numbers than FER2013 ({order}); they "
            "were read by their words"
        )
