"""The rows of a CSV of faces: finds its separator and its columns, whoever wrote it.

Spreadsheets and scripts write the same table in many ways: with commas, semicolons or tabs, with
quotes or without, with columns in any order and further ones beside them, packed as gzip or zip.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.readers.fer2013_usage import EXPECTED_OR_COMMON, SPLITS
from emolens.datasets.readers.packed import open_table
from emolens.datasets.reading import ReadingReport

EMOTION, PIXELS, USAGE, IMAGE = "emotion", "pixels", "usage", "image"
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = (b",", b";", b"\t", b"|")
# The separators, quotes and white space of a row in which a spreadsheet has no value.
_NO_VALUE = b' \t\r\n\v\f,;|"'
# A line in front of the header, by which spreadsheets tell each other the separator.
_SEPARATOR_LINE = re.compile(rb'"?sep=.?"?', re.IGNORECASE)
# A row has at most 2304 * 4 bytes of pixels; a longer "line" means that this is no such CSV, and
# reading on would pull the whole file into memory.
_MAX_LINE_BYTES = 1 << 16
_QUOTED_MIN_BYTES = 2
_SPLITS = {usage.encode(): split for usage, split in SPLITS.items()}
# What others call the columns: too different in meaning to be taken without asking.
_OTHER_NAMES = {
    EMOTION: ("label", "labels", "class", "emotions", "expression", "target", "category"),
    PIXELS: ("pixel", "image", "img", "picture"),
    IMAGE: ("img", "picture", "photo", "face"),
    USAGE: ("split", "set", "subset", "partition", "fold"),
}
_EXPECTED = "columns emotion, pixels and Usage"


@dataclass(frozen=True, slots=True)
class Header:
    """How a row is divided, and where its columns stand.

    Attributes:
        separator: Between the fields of a row.
        n_columns: Fields that a row must have.
        emotion: Place of the label.
        pixels: Place of the pixels.
        usage: Place of the split; None where there is no such column.
        split: The split of every row where there is no such column; None where it is not known.
    """

    separator: bytes
    n_columns: int
    emotion: int
    pixels: int
    usage: int | None
    split: Split | None


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A line of the file, not looked at yet.

    Attributes:
        location: File, row and line.
        line: Without the line break.
        header: What its fields are.
    """

    location: str
    line: bytes
    header: Header

    def fields(self) -> tuple[bytes, bytes, Split | None]:
        """Label and pixels as they stand there, and the split.

        Raises:
            DatasetError: The row has more or fewer fields than the header, or an unknown split.
        """
        header = self.header
        fields = self.line.split(header.separator)
        if len(fields) != header.n_columns and b'"' in self.line:
            fields = _quoted_fields(self.line, header.separator)
        if len(fields) != header.n_columns:
            raise DatasetError(
                f"{self.location}: has {len(fields)} fields; the header names {header.n_columns}"
            )
        split = header.split
        if header.usage is not None:
            split = _split(_unquoted(fields[header.usage]), self.location)
        return _unquoted(fields[header.emotion]), _unquoted(fields[header.pixels]), split


def iter_rows(path: Path, report: ReadingReport | None = None) -> Iterator[CsvRow]:
    """The rows of the file in order, without those that have no value.

    Args:
        path: A CSV, also packed as gzip or zip.
        report: Where it is told what all rows count as if there is no column Usage.

    Raises:
        DatasetError: The file cannot be read, has another header, or a line is too long.
    """
    with open_table(path, _is_header) as (file, name):
        lines = _lines(file, path)
        number, first_line = next(lines, (0, b""))
        if _SEPARATOR_LINE.fullmatch(first_line.removeprefix(_BOM)):
            number, first_line = next(lines, (0, b""))
        header = _read_header(first_line, path, number, name)
        if header.usage is None and report is not None:
            report.warn(no_usage_warning(path, header.split))
        for row, (number, line) in enumerate(lines, start=1):
            yield CsvRow(f"{path}: row {row} (line {number})", line, header)


def csv_columns(path: Path) -> frozenset[str]:
    """The names in the header of a file in small letters, none where it has no such header.

    Raises:
        DatasetError: The file cannot be read or unpacked.
    """
    with open_table(path, _is_header) as (file, _):
        line = file.readline(_MAX_LINE_BYTES).strip(b"\r\n")
        if _SEPARATOR_LINE.fullmatch(line.removeprefix(_BOM)):
            line = file.readline(_MAX_LINE_BYTES).strip(b"\r\n")
        return frozenset(_column_names(line)[1])


def has_csv_header(path: Path) -> bool:
    """Whether the first line of a file names a label and pixels; raises as `csv_columns` does."""
    return {EMOTION, PIXELS} <= csv_columns(path)


def split_of_name(name: str) -> Split | None:
    """The split that a file is called after, such as `train.csv`; None where that is open."""
    words = re.findall(r"[A-Za-z]+", name.partition(".")[0])
    # "public-test" is two words for one split.
    for parts in (map("".join, pairwise(words)), words):
        found = {split for split in map(_known_split, parts) if split is not None}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def no_usage_warning(path: object, split: Split | None) -> str:
    """Tell what the rows of a file without a column Usage count as."""
    if split is None:
        taken = "so its rows belong to no split: evaluate measures on all, train needs hold_out"
    else:
        taken = f"so all its rows count as {split}, after the name of the file"
    return f"{path}: has no column Usage, {taken}"


def other_names(missing: str, names: list[str]) -> str:
    """What to do where a column is missing but one of a similar name is there, or nothing."""
    alike = next((name for name in _OTHER_NAMES[missing] if name in names), None)
    return f"; rename its column {alike!r} to {missing} if it is that" if alike else ""


def _known_split(name: str) -> Split | None:
    try:
        return Split.from_name(name)
    except DatasetError:
        return None


def _is_header(line: bytes) -> bool:
    return {EMOTION, PIXELS} <= set(_column_names(line.strip(b"\r\n"))[1])


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that have a value, with their numbers from 1."""
    number = 0
    while line := file.readline(_MAX_LINE_BYTES):
        number += 1
        if b"\r" in line.rstrip(b"\r\n"):
            raise DatasetError(
                f"{path}: line {number} has CR inside, as where lines end in CR alone; save the "
                "file with lines that end in LF or CR LF"
            )
        if len(line) == _MAX_LINE_BYTES:
            raise DatasetError(
                f"{path}: line {number} is longer than {_MAX_LINE_BYTES} bytes; expected at most "
                "2304 pixel values per line"
            )
        if line.strip(_NO_VALUE):
            # Tabs stay: they may stand between fields that are empty.
            yield number, line.strip(b" \r\n\v\f")


def _column_names(line: bytes) -> tuple[bytes, list[str]]:
    """The separator, and the names of the columns in small letters."""
    line = line.removeprefix(_BOM)
    # The separator that divides the line into most fields, a comma if none does.
    separator = max(_SEPARATORS, key=line.count)
    fields = line.split(separator)
    names = [_unquoted(field).decode("utf-8", "backslashreplace").lower() for field in fields]
    return separator, names


def _read_header(line: bytes, path: Path, number: int, name: str) -> Header:
    if not line:
        raise DatasetError(f"{path}: is empty; expected a header line with the {_EXPECTED}")
    if line.startswith(_UTF_16):
        raise DatasetError(f"{path}: is text in UTF-16; save it as CSV in UTF-8")
    separator, names = _column_names(line)
    _check_names(names, line, f"{path}: line {number}")
    usage = names.index(USAGE) if USAGE in names else None
    split = None if usage is not None else split_of_name(name)
    return Header(separator, len(names), names.index(EMOTION), names.index(PIXELS), usage, split)


def _check_names(names: list[str], line: bytes, location: str) -> None:
    got = f"expected the {_EXPECTED}, once each, got {shown_bytes(line)}"
    if PIXELS in names and EMOTION not in names and not other_names(EMOTION, names):
        raise DatasetError(
            f"{location}: has no column emotion, and faces without labels are no use here: {got}; "
            "Kaggle's test.csv is such a file, its icml_face_data.csv has the labels of all faces"
        )
    wrong = [name for name in (EMOTION, PIXELS) if names.count(name) != 1]
    wrong += [USAGE] if names.count(USAGE) > 1 or _has_other_usage(names) else []
    if not wrong:
        return
    hints = "".join(other_names(name, names) for name in wrong if name not in names)
    if PIXELS in wrong and len(names) > len(_OTHER_NAMES) * 100:
        hints = f"; it has {len(names):,} columns, but the pixels of a face stand in one, with "
        hints += "spaces between them"
    raise DatasetError(
        f"{location} is no header of FER2013's CSV: {got}{hints} (separated by commas, semicolons "
        "or tabs; Usage may be missing)"
    )


def _has_other_usage(names: list[str]) -> bool:
    return USAGE not in names and bool(other_names(USAGE, names))


def _quoted_fields(line: bytes, separator: bytes) -> list[bytes]:
    """The fields of a line in which quotes hide separators."""
    text = line.decode("utf-8", "surrogateescape")
    try:
        [fields] = csv.reader([text], delimiter=separator.decode())
    except csv.Error:
        return line.split(separator)
    return [field.encode("utf-8", "surrogateescape") for field in fields]


def _split(usage: bytes, location: str) -> Split:
    split = _SPLITS.get(usage) or _known_split(usage.decode("utf-8", "backslashreplace"))
    if split is None:
        raise DatasetError(
            f"{location}: Usage is {shown_bytes(usage)}; expected {EXPECTED_OR_COMMON}"
        )
    return split


def _unquoted(field: bytes) -> bytes:
    field = field.strip()
    if len(field) >= _QUOTED_MIN_BYTES and field[:1] == field[-1:] == b'"':
        return field[1:-1].strip()
    return field


def shown_bytes(field: bytes) -> str:
    """The beginning of a field as printable text."""
    limit = 60
    text = field[:limit].decode("utf-8", "backslashreplace")
    return f"{text!r}{'...' if len(field) > limit else ''}"
