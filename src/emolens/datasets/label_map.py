"""A file beside class folders that says which class each is, where their names do not.

`label_map.toml` lies in the folder that is read::

    [classes]
    "1" = "surprise"
    joy = "happy"
    contempt = "leave out"

    [splits]              # may be missing
    fold1 = "train"

A folder is looked up by its name as it stands on disk, then in any case. What the map says wins
over what the name alone would mean; folders that it does not name keep their known names, but
numbers do so only where it names no number, because a data set counts its classes in one order.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.class_names import is_number
from emolens.datasets.faces import Split

FILE_NAME = "label_map.toml"
LEAVE_OUT = "leave out"
_CLASSES, _SPLITS = "classes", "splits"
# A thousand folders fit many times; a larger file is something else.
_MAX_BYTES = 1 << 20
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class LabelMap:
    """What a label map says.

    Attributes:
        file: Where it stands, or would stand.
        classes: Folder name to its class, None where its images are left out.
        splits: Folder name to its split.
    """

    file: Path
    classes: Mapping[str, Emotion | None]
    splits: Mapping[str, Split]

    @property
    def names_numbers(self) -> bool:
        """Whether it says what numbers mean."""
        return any(is_number(name) for name in self.classes)

    def class_entry(self, folder_name: str) -> str | None:
        """The entry of `classes` that is meant by a folder, or None."""
        return _entry(self.classes, folder_name)

    def split_entry(self, folder_name: str) -> str | None:
        """The entry of `splits` that is meant by a folder, or None."""
        return _entry(self.splits, folder_name)


def read_label_map(folder: Path) -> LabelMap:
    """Read the label map of a folder; without such a file it says nothing.

    Raises:
        DatasetError: The file cannot be read, is no TOML, or says something that is no class or
            split.
    """
    file = folder / FILE_NAME
    if not file.exists():
        return LabelMap(file, {}, {})
    content = _read_toml(file)
    unknown = [name for name in content if name not in (_CLASSES, _SPLITS)]
    if unknown or _CLASSES not in content:
        found = f"has {', '.join(map(repr, unknown))}" if unknown else f"has no [{_CLASSES}]"
        raise DatasetError(
            f"{file}: {found}; expected the section [{_CLASSES}], and [{_SPLITS}] if need be"
        )
    return LabelMap(
        file,
        {name: _emotion(text, where) for name, text, where in _texts(file, content, _CLASSES)},
        {name: _split(text, where) for name, text, where in _texts(file, content, _SPLITS)},
    )


def _read_toml(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as stream:
            encoded = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read: {error.strerror or error}") from error
    if len(encoded) > _MAX_BYTES:
        raise DatasetError(f"{file}: is larger than {_MAX_BYTES:,} bytes; this is no label map")
    try:
        # Editors on Windows put a byte order mark in front, which TOML does not know.
        return tomllib.loads(encoded.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = encoded[: error.start].count(b"\n") + 1
        raise DatasetError(f"{file}: line {line} is not UTF-8; save it as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DatasetError(
            f'{file}: is no TOML: {error}; expected lines such as "1" = "happy" below [{_CLASSES}]'
        ) from error


def _texts(file: Path, content: Mapping[str, object], section: str) -> list[tuple[str, str, str]]:
    """Name, value and place of every entry of a section."""
    entries = content.get(section, {})
    if not isinstance(entries, dict):
        raise DatasetError(f"{file}: {section} is {entries!r}; expected the section [{section}]")
    texts = []
    for name, value in entries.items():
        where = f"{file}: [{section}] {name!r}"
        if not isinstance(value, str):
            raise DatasetError(
                f"{where} is {value!r}; expected a text in quotes (and quotes around a name with a "
                "dot in it)"
            )
        texts.append((name, value, where))
    return texts


def _emotion(text: str, where: str) -> Emotion | None:
    if text == LEAVE_OUT:
        return None
    if text not in LABELS:
        raise DatasetError(
            f"{where} is {text!r}; expected one of {', '.join(LABELS)}, or {LEAVE_OUT!r}"
        )
    return Emotion.from_label(text)


def _split(text: str, where: str) -> Split:
    try:
        return Split.from_name(text)
    except DatasetError as error:
        raise DatasetError(f"{where}: {error}") from error


def _entry(entries: Mapping[str, _Value], folder_name: str) -> str | None:
    if folder_name in entries:
        return folder_name
    alike = [name for name in entries if name.lower() == folder_name.lower()]
    # Two that differ in case alone leave open which is meant.
    return alike[0] if len(alike) == 1 else None
