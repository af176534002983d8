"""The reader of AffectNet's manually annotated part with `training.csv` and `validation.csv`.

A row has an image path, the box of the face and the label. Some releases have a list without
header, with the columns in AffectNet's order. The data sheet is `affectnet.SHEET`.
"""

import csv
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split, Wanted, is_wanted
from emolens.datasets.image_lists import (
    face_box,
    image_path,
    listed_emotion,
    numbered_lines,
    shown,
)
from emolens.datasets.images import read_gray_box
from emolens.datasets.readers.affectnet import SHEET, SPLITS
from emolens.datasets.reading import ReadingReport, read_each

_LISTS = "Manually_Annotated_file_lists"
_IMAGES = "Manually_Annotated_Images"
# The folders of the unpacked archives, and other common ones.
_FOLDERS = (
    Path(_IMAGES),
    Path("Manually_Annotated", _IMAGES),
    Path("Manually_Annotated_compressed", _IMAGES),
)
_PATH, _LABEL = "subDirectory_filePath", "expression"
_BOX = ("face_x", "face_y", "face_width", "face_height")
_COLUMNS = (_PATH, *_BOX, "facial_landmarks", _LABEL, "valence", "arousal")


def is_affectnet_lists(folder: Path) -> bool:
    """Return whether a folder has lists or images of AffectNet's manually annotated part."""
    return any((folder / place).is_dir() for place in (_LISTS, *_FOLDERS))


def iter_affectnet_lists(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the faces of AffectNet's lists in their order, training before validation.

    Args:
        folder: The folder with the images and `Manually_Annotated_file_lists/`, or with the images
            and the two lists.
        split: The split to read, or all. Lists and images of other splits are not opened.
        report: Counts the faces that are left out, and damaged rows and images.

    Returns:
        An iterator over faces, uint8 (S, S), where S is the longer side of the box, at most 512.
        Their location is the line of the list.

    Raises:
        DatasetError: At once if a list or the folder of images is missing; while iterating if a
            header, row or image is damaged.
    """
    lists = folder / _LISTS if (folder / _LISTS).is_dir() else folder
    images = next((folder / place for place in _FOLDERS if (folder / place).is_dir()), None)
    if images is None:
        raise DatasetError(
            f"{folder / _IMAGES}: the folder of AffectNet's images is missing. Unpack the "
            "release's Manually_Annotated archive there."
        )
    selected = [
        _List(lists / f"{name}.csv", one, images)
        for name, one in SPLITS.items()
        if is_wanted(one, split)
    ]
    for one in selected:
        if not one.file.is_file():
            raise DatasetError(
                f"{one.file}: the list of AffectNet's {one.split} images is missing. Copy it "
                "there from the release's Manually_Annotated_file_lists."
            )
    return _read_lists(selected, report or ReadingReport())


@dataclass(frozen=True, slots=True)
class _List:
    file: Path
    split: Split
    images: Path


def _read_lists(lists: list[_List], report: ReadingReport) -> Iterator[FaceSample]:
    for one in lists:
        yield from _read_list(one, report)


def _read_list(one: _List, report: ReadingReport) -> Iterator[FaceSample]:
    lines = numbered_lines(one.file)
    first = list(itertools.islice(lines, 1))
    header = _header(first, one.file)
    columns = header or _COLUMNS

    def read(row: tuple[int, str]) -> FaceSample | None:
        number, line = row
        location = f"{one.file}: line {number}"
        values = _values(line)
        if len(values) != len(columns):
            raise DatasetError(
                f"{location}: found {shown(line)}; expected {len(columns)} fields: "
                f"{', '.join(columns)}"
            )
        return _read_face(dict(zip(columns, values, strict=True)), one, location, report)

    yield from read_each(lines if header else itertools.chain(first, lines), read, report)


def _header(first: list[tuple[int, str]], file: Path) -> list[str] | None:
    """Return the columns of the header, or None if the first line is a row."""
    columns = _values(first[0][1]) if first else []
    if _PATH not in columns:
        return None
    wrong = [name for name in (_PATH, *_BOX, _LABEL) if columns.count(name) != 1]
    if wrong:
        raise DatasetError(
            f"{file}: line {first[0][0]}: the header is {shown(first[0][1])}; "
            f"expected exactly one column {' and one column '.join(wrong)}"
        )
    return columns


def _values(line: str) -> list[str]:
    # Line by line, so an unclosed quote damages only its own row.
    return [value.strip() for value in next(csv.reader([line]))]


def _read_face(
    row: dict[str, str], one: _List, location: str, report: ReadingReport
) -> FaceSample | None:
    emotion = listed_emotion(SHEET, row[_LABEL], location, report)
    if emotion is None:
        return None
    x, y, width, height = (row[name] for name in _BOX)
    box = face_box((x, width), (y, height), location, is_size=True)
    file = image_path(one.images, row[_PATH], location)
    return FaceSample(read_gray_box(file, box, location), emotion, one.split, location)
