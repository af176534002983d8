"""Group labels: one column of a data set that divides its faces into groups.

A CSV or a Parquet file has the column itself. Class folders have it in a file `groups.csv`, beside
the folders of the classes or splits, with the column `path` (of the image, inside the folder).
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from emolens.core.errors import DatasetError
from emolens.datasets.formats import SourceFormat, find_format
from emolens.datasets.image_lists import image_path
from emolens.datasets.readers.csv_rows import column_names, iter_rows
from emolens.datasets.readers.fer2013_parquet import parquet_files, row_location

GROUPS_FILE: Final = "groups.csv"
"""Name of the file with the groups of class folders."""
NO_GROUP: Final = "(none)"
"""Name of the group of all faces without a value."""
MAX_GROUPS: Final = 50
"""Largest number of groups. A column with more values is an identifier or a measurement."""
_PATH = "path"
_N_SHOWN = 8


@dataclass(frozen=True, slots=True)
class GroupLabels:
    """The groups of the faces of a source.

    Attributes:
        column: Name of the column, as the user typed it.
        by_location: Group of each face, by its location; faces without a value are missing.
        warnings: Problems of the labels, such as paths without an image.
    """

    column: str
    by_location: Mapping[str, str] = field(repr=False)
    warnings: tuple[str, ...] = ()

    def of(self, location: str) -> str:
        """Return the group of the face at a location, `NO_GROUP` without a value."""
        return self.by_location.get(location, NO_GROUP)


def read_group_labels(source: Path, column: str) -> GroupLabels:
    """Read the groups of all faces of a source.

    Args:
        source: A CSV, a Parquet file or a folder of them, or class folders with `groups.csv`.
        column: Name of the column, in any case. Its values are text or numbers. A missing value is
            an empty field, null or NaN.

    Raises:
        DatasetError: The source has another format, no such column, no value in it, more than 50
            different values, or cannot be read.
    """
    source_format, path = find_format(source)
    read = _READERS.get(source_format)
    if read is None:
        raise DatasetError(
            f"{source}: --group (group) reads a column of a CSV or Parquet file, or {GROUPS_FILE} "
            f"beside class folders; found {source_format}. Make a Parquet file with emolens data "
            "convert and add the column to it, or sort the images into class folders."
        )
    missing: list[str] = []
    named = ((where, group_name(value)) for where, value in read(path, column, missing.append))
    groups = {where: name for where, name in named if name is not None}
    _check_groups(groups, source, column)
    return GroupLabels(column, groups, tuple(missing))


def group_name(value: object) -> str | None:
    """Return the name of a group for a value of its column, or None for a missing value."""
    # pandas converts whole numbers to floats if a value is missing.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # A NaN is "nan", in a column of numbers as well as in text.
    name = "" if value is None else str(value).strip()
    return None if name.lower() in {"", "nan", NO_GROUP} else name


def _check_groups(groups: Mapping[str, str], source: Path, column: str) -> None:
    names = sorted(set(groups.values()))
    if not names:
        raise DatasetError(f"{source}: the column {column!r} has no values; expected groups")
    if len(names) > MAX_GROUPS:
        shown = ", ".join(map(repr, names[:_N_SHOWN]))
        raise DatasetError(
            f"{source}: the column {column!r} has {len(names):,} different values ({shown}, ...); "
            f"allowed: at most {MAX_GROUPS} groups. Combine values, such as ages into ranges."
        )


def _csv_values(
    path: Path, column: str, _warn: Callable[[str], None]
) -> Iterator[tuple[str, object]]:
    for row in iter_rows(path):
        yield row.location, row.text(_place(row.header.names, column, path))


def _parquet_values(
    path: Path, column: str, _warn: Callable[[str], None]
) -> Iterator[tuple[str, object]]:
    for file in parquet_files(path) if path.is_dir() else [path]:
        try:
            with pq.ParquetFile(file) as table:
                names = table.schema_arrow.names
                name = names[_place([one.lower() for one in names], column, file)]
                _check_type(table.schema_arrow.field(name).type, column, file)
                values = table.read(columns=[name]).column(0).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise DatasetError(f"{file}: not a readable Parquet file: {error}") from error
        for number, value in enumerate(values, start=1):
            yield row_location(file, number), value


def _check_type(kind: pa.DataType, column: str, file: Path) -> None:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    is_number = pa.types.is_integer(plain) or pa.types.is_floating(plain)
    is_text = pa.types.is_string(plain) or pa.types.is_large_string(plain)
    if not (is_number or is_text or pa.types.is_boolean(plain) or pa.types.is_null(plain)):
        raise DatasetError(
            f"{file}: the column {column!r} has the type {kind}; expected text or numbers"
        )


def _listed_values(
    folder: Path, column: str, warn: Callable[[str], None]
) -> Iterator[tuple[str, object]]:
    file = folder / GROUPS_FILE
    if not file.is_file():
        raise DatasetError(
            f"{folder}: the file {GROUPS_FILE} is missing. Write a table with the columns {_PATH} "
            f"(of each image inside this folder, such as happy/a.jpg) and {column}."
        )
    seen: dict[Path, str] = {}
    unknown = []
    for location, name, value in _listed_rows(file, column):
        image = image_path(folder, name.replace("\\", "/"), location)
        if seen.setdefault(image, value) != value:
            raise DatasetError(
                f"{location}: {name!r} is in the groups {seen[image]!r} and {value!r}; expected "
                "one group for each image"
            )
        if not image.is_file():
            unknown.append(name)
        yield str(image), value
    if unknown:
        warn(
            f"{file}: {len(unknown):,} of {len(seen):,} paths name no image, such as {unknown[0]!r}"
        )


def _listed_rows(file: Path, column: str) -> Iterator[tuple[str, str, str]]:
    """Read the location, the path and the value of each row of `groups.csv`."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            separator, names = column_names(stream.readline().strip().encode())
            path_at, value_at = _place(names, _PATH, file), _place(names, column, file)
            rows = csv.reader(stream, delimiter=separator.decode(), strict=True)
            for row in rows:
                location = f"{file}: line {rows.line_num + 1}"
                if row and len(row) != len(names):
                    raise DatasetError(
                        f"{location}: has {len(row)} fields; the header has {len(names)}"
                    )
                if row:
                    yield location, row[path_at].strip(), row[value_at].strip()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{file}: cannot be read: {error}. Save it as CSV in UTF-8.") from error


def _place(names: tuple[str, ...] | list[str], column: str, file: Path) -> int:
    """Return the index of a column."""
    if names.count(column.lower()) != 1:
        raise DatasetError(
            f"{file}: expected one column {column!r}; found {', '.join(names[:50]) or 'none'}"
        )
    return names.index(column.lower())


_READERS: dict[
    SourceFormat, Callable[[Path, str, Callable[[str], None]], Iterator[tuple[str, object]]]
] = {
    SourceFormat.CSV: _csv_values,
    SourceFormat.PARQUET: _parquet_values,
    SourceFormat.PARQUET_FOLDER: _parquet_values,
    SourceFormat.CLASS_FOLDERS: _listed_values,
}
