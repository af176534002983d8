"""The reader of FER2013 with FER+'s votes as Parquet: one row per image, as encoded bytes.

The images are those of the CSV, whose module has the data sheet, in a sixth of the size. A source
is one file or a folder of files. Votes require all ten columns `ferplus_neutral` ...
`ferplus_not_face`, and subjects the column `subject`. Votes, subjects and splits may be null. Other
columns are ignored. A CSV that was converted to Parquet, with its column `pixels`, is also
supported. `to_table` writes any faces in this format.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError, InputError
from emolens.datasets.faces import FaceSample, Split, Wanted, is_wanted
from emolens.datasets.folders import visible_entries
from emolens.datasets.label_order import FER2013_ORDER, LabelColumn
from emolens.datasets.readers.csv_rows import (
    EMOTION,
    IMAGE,
    PIXELS,
    USAGE,
    no_usage_warning,
    other_names,
    split_of_name,
)
from emolens.datasets.readers.fer2013_csv import label_column, parse_pixels
from emolens.datasets.readers.fer2013_usage import EXPECTED_OR_COMMON
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.votes import VOTE_NAMES
from emolens.imaging.decode import decode_image
from emolens.imaging.preprocess import to_gray

MAGIC = b"PAR1"
SUFFIXES = (".parquet", ".pq")
_BATCH_ROWS = 256
_MAX_VOTES = 255
# Read column chunks in pieces. With pyarrow's defaults, a whole row group, which may be the whole
# file, is in memory at once.
_BUFFER_BYTES = 1 << 20


def parquet_files(folder: Path) -> list[Path]:
    """List the Parquet files directly in a folder, in natural order of their names."""
    return [
        entry
        for entry in visible_entries(folder)
        if entry.suffix.lower() in SUFFIXES and entry.is_file()
    ]


def row_location(path: Path, number: int) -> str:
    """Return the location of a row, counted from 1, as in `FaceSample`."""
    return f"{path}: row {number}"


def iter_parquet_folder(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read all Parquet files of a folder in natural order of their names."""
    report = report or ReadingReport()
    labels = label_column()
    for file in parquet_files(folder):
        yield from _iter_file(file, split, report, labels)
    labels.warn(folder, report)


def iter_parquet(
    path: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read one Parquet file in row batches, so memory does not grow with the file.

    Args:
        path: A file with the columns `usage` (FER2013's split name), `emotion` (0..6, or a word)
            and `image` (the bytes of an image of any size in a format of `decode_image`, such as
            lossless WebP; colour becomes grey) or `pixels` (as in the CSV). Without `usage`, all
            rows are in the split of the file name, if it contains one.
        split: The split to read, or all. Images and labels of other rows are not decoded.
        report: Counts damaged rows and receives warnings.

    Yields:
        Faces, uint8 (H, W), with the row as location, counted from 1.

    Raises:
        DatasetError: The file is not Parquet, a column is missing or has another type, or a row is
            damaged. The message contains the file, row and the expected value.
    """
    report = report or ReadingReport()
    labels = label_column()
    yield from _iter_file(path, split, report, labels)
    labels.warn(path, report)


def _iter_file(
    path: Path, split: Wanted, report: ReadingReport, labels: LabelColumn
) -> Iterator[FaceSample]:
    try:
        with pq.ParquetFile(
            path, pre_buffer=False, buffer_size=_BUFFER_BYTES, page_checksum_verification=True
        ) as file:
            columns = _find_columns(file.schema_arrow, path)
            written = file.metadata.metadata or {}
            for warning in _written_warnings(written):
                report.warn(f"{path}: converted from {warning}")
            if written.get(_ORDER_KEY) == FER2013_ORDER.encode() or _VOTE_COLUMNS[0] in columns:
                # Written by `to_table`, or FER2013 with FER+'s votes: the order is known.
                labels = label_column()
            if USAGE not in columns:
                report.warn(no_usage_warning(path, split_of_name(path.name)))
            yield from _read_rows(_rows(file, columns), path, split, report, labels)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: not a readable Parquet file: {error}") from error


def to_table(samples: Sequence[FaceSample]) -> pa.Table:
    """Convert faces to a table in the format of this module, with images as lossless PNG."""
    columns: dict[str, list[object]] = {
        "usage": [sample.split.value if sample.split else None for sample in samples],
        "emotion": [sample.emotion.index for sample in samples],
        "image": [_encode(sample.image) for sample in samples],
        _SUBJECT: [sample.subject for sample in samples],
    }
    for place, name in enumerate(_VOTE_COLUMNS):
        columns[name] = [sample.votes[place] if sample.votes else None for sample in samples]
    return pa.table(columns, schema=SCHEMA)


def warnings_metadata(warnings: Sequence[str]) -> dict[str, str]:
    """Return the file metadata that preserves the warnings for readers of the file."""
    return {_WARNINGS_KEY.decode(): json.dumps(list(warnings))} if warnings else {}


def _written_warnings(written: Mapping[bytes, bytes]) -> list[str]:
    try:
        warnings = json.loads(written.get(_WARNINGS_KEY, b"[]"))
    except ValueError:
        return []
    return [str(warning) for warning in warnings] if isinstance(warnings, list) else []


def _encode(image: npt.NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_label(kind: pa.DataType) -> bool:
    # pandas converts integers to floats if a value is missing.
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind)) or _is_text(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind) and _BYTES in [field.name for field in kind]:
        kind = kind.field(_BYTES).type  # the image format of the library datasets
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


_BYTES = "bytes"
_COLUMNS: dict[str, tuple[str, Callable[[pa.DataType], bool]]] = {
    USAGE: ("text", _is_text),
    EMOTION: ("whole numbers or words", _is_label),
    IMAGE: ("bytes of an encoded image", _is_bytes),
    PIXELS: ("text with 2304 numbers", _is_text),
}


_SUBJECT = "subject"
_VOTE_COLUMNS = [f"ferplus_{name}" for name in VOTE_NAMES]
_ORDER_KEY, _WARNINGS_KEY = b"emolens_label_order", b"emolens_warnings"
SCHEMA = pa.schema(
    [
        (USAGE, pa.string()),
        (EMOTION, pa.int8()),
        (IMAGE, pa.binary()),
        (_SUBJECT, pa.string()),
        *((name, pa.uint8()) for name in _VOTE_COLUMNS),
    ],
    metadata={_ORDER_KEY: FER2013_ORDER.encode()},
)
"""The columns that `to_table` writes, and the order of its labels."""


def _find_columns(schema: pa.Schema, path: Path) -> dict[str, str]:
    """Map the names of the columns to read, in lower case, to those of the file.

    The result has either `image` or `pixels`; `usage`, `subject` and the votes are optional.
    """
    names = [name.lower() for name in schema.names]
    needed = [EMOTION, PIXELS if PIXELS in names and IMAGE not in names else IMAGE]
    if USAGE in names or other_names(USAGE, names):
        needed.insert(0, USAGE)
    wrong = [name for name in needed if names.count(name) != 1]
    wrong += [name for name in (_SUBJECT, *_VOTE_COLUMNS) if names.count(name) > 1]
    if wrong:
        action = "".join(other_names(name, names) for name in wrong if name not in names)
        raise DatasetError(
            f"{path}: expected one column {' and one column '.join(wrong)}; found "
            f"{', '.join(schema.names) or 'none'}. A FER2013 Parquet file has the columns usage, "
            f"emotion and image (or pixels).{action}"
        )
    columns = {name: schema.names[names.index(name)] for name in needed}
    for name, (expected, has_type) in _COLUMNS.items():
        kind = schema.field(columns[name]).type if name in columns else None
        if kind is not None and not has_type(kind):
            raise DatasetError(f"{path}: column {name} has type {kind}; expected {expected}")
    votes = _VOTE_COLUMNS if set(_VOTE_COLUMNS) <= set(names) else []
    optional = [name for name in (_SUBJECT, *votes) if name in names]
    return columns | {name: schema.names[names.index(name)] for name in optional}


def _read_rows(
    rows: Iterable[Mapping[str, object]],
    path: Path,
    split: Wanted,
    report: ReadingReport,
    labels: LabelColumn,
) -> Iterator[FaceSample]:
    only_split = split_of_name(path.name)

    def read(numbered: tuple[int, Mapping[str, object]]) -> FaceSample | None:
        number, row = numbered
        location = row_location(path, number)
        row_split = _split(row[USAGE], location) if USAGE in row else only_split
        if not is_wanted(row_split, split):
            return None
        votes = [row[name] for name in _VOTE_COLUMNS if name in row]
        subject = row.get(_SUBJECT)
        return FaceSample(
            _image(row, location),
            _emotion(row[EMOTION], row_split, location, labels),
            row_split,
            location,
            _votes(votes, location) if any(count is not None for count in votes) else None,
            None if subject is None else str(subject),
        )

    yield from read_each(enumerate(rows, start=1), read, report)


def _rows(file: pq.ParquetFile, columns: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Read each row as a dictionary, with the column names of this module."""
    for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns.values())):
        values = [batch.column(name).to_pylist() for name in columns.values()]
        for row in zip(*values, strict=True):
            yield dict(zip(columns, row, strict=True))


def _split(usage: object, location: str) -> Split | None:
    if usage is None:
        return None
    try:
        return Split.from_name(str(usage))
    except DatasetError as error:
        raise DatasetError(
            f"{location}: usage is {usage!r}; expected {EXPECTED_OR_COMMON}"
        ) from error


def _emotion(emotion: object, split: Split | None, location: str, labels: LabelColumn) -> Emotion:
    if isinstance(emotion, float) and emotion.is_integer():
        emotion = int(emotion)
    return labels.read("" if emotion is None else str(emotion), split, location)


def _votes(counts: list[object], location: str) -> tuple[int, ...]:
    whole = tuple(count for count in counts if isinstance(count, int) and 0 <= count <= _MAX_VOTES)
    if len(whole) != len(counts):
        raise DatasetError(
            f"{location}: the FER+ votes are {counts}; expected ten whole numbers from 0 to "
            f"{_MAX_VOTES}"
        )
    return whole


def _image(row: Mapping[str, object], location: str) -> npt.NDArray[np.uint8]:
    if PIXELS in row:
        return parse_pixels(str(row[PIXELS] or "").encode(), location)
    encoded = row[IMAGE]
    if isinstance(encoded, dict):
        encoded = encoded.get(_BYTES)
    if not isinstance(encoded, bytes):
        raise DatasetError(f"{location}: image is {encoded!r}; expected an encoded image")
    try:
        return to_gray(decode_image(encoded).image)
    except InputError as error:
        raise DatasetError(f"{location}: image cannot be decoded: {error}") from error
