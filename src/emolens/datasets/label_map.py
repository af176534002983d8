"""The label map, a file that assigns classes and splits to folders with other names.

`label_map.toml` is a file in the source folder::

    [classes]
    "1" = "surprise"
    joy = "happy"
    contempt = "leave out"

    [splits]              # optional
    fold1 = "train"

A folder is looked up by its exact name first, then ignoring case. The map takes precedence over the
name. The class of an unlisted folder follows from its name. If the map lists a number, it must list
all numbers, because a data set numbers its classes in one order.
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
# Enough for many thousands of folders; a larger file is not a label map.
_MAX_BYTES = 1 << 20
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class LabelMap:
    """The content of a label map.

    Attributes:
        file: Its path, whether or not the file exists.
        classes: Folder name to class; None leaves the images out.
        splits: Folder name to split.
    """

    file: Path
    classes: Mapping[str, Emotion | None]
    splits: Mapping[str, Split]

    @property
    def names_numbers(self) -> bool:
        """Whether the map lists a number."""
        return any(is_number(name) for name in self.classes)

    def class_entry(self, folder_name: str) -> str | None:
        """Return the key in `classes` for a folder, or None."""
        return _entry(self.classes, folder_name)

    def split_entry(self, folder_name: str) -> str | None:
        """Return the key in `splits` for a folder, or None."""
        return _entry(self.splits, folder_name)


def read_label_map(folder: Path) -> LabelMap:
    """Read the label map of a folder; without a file, the map is empty.

    Raises:
        DatasetError: The file cannot be read, is not TOML, or contains a value that is not a class
            or split.
    """
    file = folder / FILE_NAME
    if not file.exists():
        return LabelMap(file, {}, {})
    content = _read_toml(file)
    unknown = [name for name in content if name not in (_CLASSES, _SPLITS)]
    if unknown or _CLASSES not in content:
        found = f"found {', '.join(map(repr, unknown))}" if unknown else f"has no [{_CLASSES}]"
        raise DatasetError(
            f"{file}: {found}; expected the section [{_CLASSES}] and, optionally, [{_SPLITS}]"
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
        raise DatasetError(f"{file}: is larger than {_MAX_BYTES:,} bytes; expected a label map")
    try:
        # Editors on Windows add a byte order mark, which TOML does not allow.
        return tomllib.loads(encoded.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = encoded[: error.start].count(b"\n") + 1
        raise DatasetError(f"{file}: line {line} is not UTF-8. Save it as UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DatasetError(
            f'{file}: not TOML: {error}; expected lines such as "1" = "happy" below [{_CLASSES}]'
        ) from error


def _texts(file: Path, content: Mapping[str, object], section: str) -> list[tuple[str, str, str]]:
    """Return the name, value and location of every entry of a section."""
    entries = content.get(section, {})
    if not isinstance(entries, dict):
        raise DatasetError(f"{file}: {section} is {entries!r}; expected the section [{section}]")
    texts = []
    for name, value in entries.items():
        where = f"{file}: [{section}] {name!r}"
        if not isinstance(value, str):
            raise DatasetError(
                f"{where} is {value!r}; expected a text in quotes. A name with a dot also needs "
                "quotes."
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
    # Two entries that differ only in case are ambiguous.
    return alike[0] if len(alike) == 1 else None
