"""The rows of a CSV of faces, with detection of its separator and columns.

Spreadsheets and scripts write the same table in many ways: with commas, semicolons or tabs, with or
without quotes, with columns in any order and additional columns, packed as gzip or zip.
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
# The separators, quotes and white space of an empty row of a spreadsheet.
_NO_VALUE = b' \t\r\n\v\f,;|"'
# A line before the header in which spreadsheets declare the separator.
_SEPARATOR_LINE = re.compile(rb'"?sep=.?"?', re.IGNORECASE)
# A row has at most 2304 * 4 bytes of pixels. A longer line belongs to another kind of file, and
# reading on would load that file into memory.
_MAX_LINE_BYTES = 1 << 16
_QUOTED_MIN_BYTES = 2
_SPLITS = {usage.encode(): split for usage, split in SPLITS.items()}
_PICTURE = "picture"  # codespell:ignore
# Similar names of the columns. Their meaning differs, so they are suggested but not read.
_OTHER_NAMES = {
    EMOTION: ("label", "labels", "class", "emotions", "expression", "target", "category"),
    PIXELS: ("pixel", "image", "img", _PICTURE),
    IMAGE: ("img", _PICTURE, "photo", "face"),
    USAGE: ("split", "set", "subset", "partition", "fold"),
}
_EXPECTED = "columns emotion, pixels and Usage"


@dataclass(frozen=True, slots=True)
class Header:
    """The separator and the columns of a CSV.

    Attributes:
        separator: The separator between the fields of a row.
        names: The names of the columns in lower case.
        emotion: Index of the label.
        pixels: Index of the pixels.
        usage: Index of the split; None without this column.
        split: The split of every row without a column for it; None if unknown.
    """

    separator: bytes
    names: tuple[str, ...]
    emotion: int
    pixels: int
    usage: int | None
    split: Split | None


@dataclass(frozen=True, slots=True)
class CsvRow:
    """An unparsed row.

    Attributes:
        location: Its file, row and line.
        line: The row without its line break.
        header: The header of the file.
    """

    location: str
    line: bytes
    header: Header

    def fields(self) -> tuple[bytes, bytes, Split | None]:
        """Split the row into its label and pixels, as written, and its split.

        Raises:
            DatasetError: The row has more or fewer fields than the header, or an unknown split.
        """
        header, fields = self.header, self._fields()
        split = header.split
        if header.usage is not None:
            split = _split(_unquoted(fields[header.usage]), self.location)
        return _unquoted(fields[header.emotion]), _unquoted(fields[header.pixels]), split

    def text(self, column: int) -> str:
        """Return the field of a column as text.

        Raises:
            DatasetError: The row has more or fewer fields than the header.
        """
        return _unquoted(self._fields()[column]).decode("utf-8", "backslashreplace")

    def _fields(self) -> list[bytes]:
        n_columns = len(self.header.names)
        fields = self.line.split(self.header.separator)
        if len(fields) != n_columns and b'"' in self.line:
            fields = _quoted_fields(self.line, self.header.separator)
        if len(fields) != n_columns:
            raise DatasetError(
                f"{self.location}: has {len(fields)} fields; the header has {n_columns}"
            )
        return fields


def iter_rows(path: Path, report: ReadingReport | None = None) -> Iterator[CsvRow]:
    """Read the rows of a file in order, without empty ones.

    Args:
        path: A CSV, plain or packed as gzip or zip.
        report: Receives a warning if there is no column Usage.

    Yields:
        The unparsed rows.

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
    """Return the names in the first line of a file, in lower case.

    Raises:
        DatasetError: The file cannot be read or unpacked.
    """
    with open_table(path, _is_header) as (file, _):
        line = file.readline(_MAX_LINE_BYTES).strip(b"\r\n")
        if _SEPARATOR_LINE.fullmatch(line.removeprefix(_BOM)):
            line = file.readline(_MAX_LINE_BYTES).strip(b"\r\n")
        return frozenset(column_names(line)[1])


def has_csv_header(path: Path) -> bool:
    """Return whether a file has the columns for labels and pixels; raise as `csv_columns` does."""
    return {EMOTION, PIXELS} <= csv_columns(path)


def split_of_name(name: str) -> Split | None:
    """Return the split in a file name, such as `train.csv`, or None without a unique one."""
    words = re.findall(r"[A-Za-z]+", name.partition(".")[0])
    # "public-test" is two words for one split.
    for parts in (map("".join, pairwise(words)), words):
        found = {split for split in map(_known_split, parts) if split is not None}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def no_usage_warning(path: object, split: Split | None) -> str:
    """Format the warning that a file has no column Usage."""
    if split is None:
        result = "so its rows have no split. evaluate uses all of them; train requires hold_out."
    else:
        result = f"so all rows are in the split {split}, as in the file name"
    return f"{path}: the column Usage is missing, {result}"


def other_names(missing: str, names: list[str]) -> str:
    """Suggest to rename a similar column in place of a missing one; empty without one."""
    alike = next((name for name in _OTHER_NAMES[missing] if name in names), None)
    return f" If the column {alike!r} is {missing}, rename it." if alike else ""


def _known_split(name: str) -> Split | None:
    try:
        return Split.from_name(name)
    except DatasetError:
        return None


def _is_header(line: bytes) -> bool:
    return {EMOTION, PIXELS} <= set(column_names(line.strip(b"\r\n"))[1])


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    """Read the non-empty lines, with their numbers from 1."""
    number = 0
    while line := file.readline(_MAX_LINE_BYTES):
        number += 1
        if b"\r" in line.rstrip(b"\r\n"):
            raise DatasetError(
                f"{path}: line {number} contains a CR, as in files with CR line endings. Save the "
                "file with LF or CR LF line endings."
            )
        if len(line) == _MAX_LINE_BYTES:
            raise DatasetError(
                f"{path}: line {number} is longer than {_MAX_LINE_BYTES} bytes; expected at most "
                "2304 pixel values per line"
            )
        if line.strip(_NO_VALUE):
            # Tabs may separate empty fields, so they are kept.
            yield number, line.strip(b" \r\n\v\f")


def column_names(line: bytes) -> tuple[bytes, list[str]]:
    """Return the separator of a header and its column names in lower case."""
    line = line.removeprefix(_BOM)
    # The most frequent separator; a comma if there is none.
    separator = max(_SEPARATORS, key=line.count)
    fields = line.split(separator)
    names = [_unquoted(field).decode("utf-8", "backslashreplace").lower() for field in fields]
    return separator, names


def _read_header(line: bytes, path: Path, number: int, name: str) -> Header:
    if not line:
        raise DatasetError(f"{path}: is empty; expected a header line with the {_EXPECTED}")
    if line.startswith(_UTF_16):
        raise DatasetError(f"{path}: is UTF-16 text. Save it as CSV in UTF-8.")
    separator, names = column_names(line)
    _check_names(names, line, f"{path}: line {number}")
    usage = names.index(USAGE) if USAGE in names else None
    split = None if usage is not None else split_of_name(name)
    return Header(separator, tuple(names), names.index(EMOTION), names.index(PIXELS), usage, split)


def _check_names(names: list[str], line: bytes, location: str) -> None:
    found = f"found {shown_bytes(line)}; expected the {_EXPECTED}, once each"
    if PIXELS in names and EMOTION not in names and not other_names(EMOTION, names):
        raise DatasetError(
            f"{location}: the column emotion with the labels is missing: {found}. For Kaggle's "
            "test.csv, use icml_face_data.csv, which has the labels of all faces."
        )
    wrong = [name for name in (EMOTION, PIXELS) if names.count(name) != 1]
    wrong += [USAGE] if names.count(USAGE) > 1 or _has_other_usage(names) else []
    if not wrong:
        return
    action = "".join(other_names(name, names) for name in wrong if name not in names)
    if PIXELS in wrong and len(names) > len(_OTHER_NAMES) * 100:
        action = f" The file has {len(names):,} columns. Put all pixels of a face into one column, "
        action += "separated by spaces."
    raise DatasetError(
        f"{location}: not the header of FER2013's CSV: {found} (separated by commas, semicolons "
        f"or tabs; Usage is optional).{action}"
    )


def _has_other_usage(names: list[str]) -> bool:
    return USAGE not in names and bool(other_names(USAGE, names))


def _quoted_fields(line: bytes, separator: bytes) -> list[bytes]:
    """Split a line whose quoted fields contain separators."""
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
    """Return the beginning of a field, quoted for a message."""
    limit = 60
    text = field[:limit].decode("utf-8", "backslashreplace")
    return f"{text!r}{'...' if len(field) > limit else ''}"
