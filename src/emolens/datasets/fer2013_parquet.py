"""FER2013 with FER+ votes as Parquet: one row per picture, pixels as encoded bytes.

The same pictures as the CSV (its module has the data sheet), a sixth of the size. One file or a
folder of them. The counts of FER+'s raters are read where all ten columns `ferplus_neutral` ...
`ferplus_not_face` are there, and who is shown where there is a column `subject`; a face may lack
either, and also a split. Further columns do no harm. `to_table` writes any faces in this form.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError, InputError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.folders import visible_entries
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.votes import VOTE_NAMES
from emolens.imaging.decode import decode_image
from emolens.imaging.preprocess import to_gray

MAGIC = b"PAR1"
SUFFIXES = frozenset({".parquet", ".pq"})
_BATCH_ROWS = 256
_MAX_VOTES = 255
# Read column chunks piece by piece: with pyarrow's own settings a whole row group, which may be
# the whole file, lies in memory at once.
_BUFFER_BYTES = 1 << 20


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files that lie directly in a folder, in natural order of their names."""
    return [
        entry
        for entry in visible_entries(folder)
        if entry.suffix.lower() in SUFFIXES and entry.is_file()
    ]


def iter_parquet_folder(
    folder: Path, split: Split | None = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read all Parquet files of a folder one after the other, in natural order of their names."""
    for file in parquet_files(folder):
        yield from iter_parquet(file, split, report)


def iter_parquet(
    path: Path, split: Split | None = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read one Parquet file in row batches, so memory does not grow with the file.

    Args:
        path: A file with the columns `usage` (FER2013's split name), `emotion` (0..6) and `image`
            (bytes of a picture of any size in a format `decode_image` reads, e.g. lossless WebP;
            colour becomes grey).
        split: Only the faces of this split, or all. Pictures and labels of other rows are not
            looked at.
        report: Where broken rows are counted if they may be skipped.

    Yields:
        Faces of uint8 (H, W), located by row, counted from 1.

    Raises:
        DatasetError: Not Parquet, a missing column or one of another type, or a row that breaks
            the format; the message names file, row and what was expected.
    """
    try:
        with pq.ParquetFile(
            path, pre_buffer=False, buffer_size=_BUFFER_BYTES, page_checksum_verification=True
        ) as file:
            _check_schema(file.schema_arrow, path)
            yield from _read_rows(file, path, split, report or ReadingReport())
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: not a readable Parquet file: {error}") from error


def to_table(samples: Sequence[FaceSample]) -> pa.Table:
    """Put faces into a table that this module reads again, pictures as lossless PNG."""
    columns: dict[str, list[object]] = {
        "usage": [sample.split.value if sample.split else None for sample in samples],
        "emotion": [int(sample.emotion) for sample in samples],
        "image": [_encode(sample.image) for sample in samples],
        _SUBJECT: [sample.subject for sample in samples],
    }
    for place, name in enumerate(_VOTE_COLUMNS):
        columns[name] = [sample.votes[place] if sample.votes else None for sample in samples]
    return pa.table(columns, schema=SCHEMA)


def _encode(image: npt.NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


_COLUMNS: dict[str, tuple[str, Callable[[pa.DataType], bool]]] = {
    "usage": ("text", _is_text),
    "emotion": ("whole numbers", pa.types.is_integer),
    "image": ("bytes of an encoded picture", _is_bytes),
}


_SUBJECT = "subject"
_VOTE_COLUMNS = [f"ferplus_{name}" for name in VOTE_NAMES]
SCHEMA = pa.schema(
    [
        ("usage", pa.string()),
        ("emotion", pa.int8()),
        ("image", pa.binary()),
        (_SUBJECT, pa.string()),
        *((name, pa.uint8()) for name in _VOTE_COLUMNS),
    ]
)
"""The columns that `to_table` writes."""


def _check_schema(schema: pa.Schema, path: Path) -> None:
    wrong = [name for name in _COLUMNS if schema.names.count(name) != 1]
    wrong += [name for name in (_SUBJECT, *_VOTE_COLUMNS) if schema.names.count(name) > 1]
    if wrong:
        raise DatasetError(
            f"{path}: expected one column {' and one column '.join(wrong)}; a FER2013 Parquet file "
            f"has {', '.join(_COLUMNS)}, this one has {', '.join(schema.names) or 'none'}"
        )
    for name, (expected, has_type) in _COLUMNS.items():
        kind = schema.field(name).type
        if not has_type(kind):
            raise DatasetError(f"{path}: column {name} must hold {expected}, its type is {kind}")


def _read_rows(
    file: pq.ParquetFile, path: Path, split: Split | None, report: ReadingReport
) -> Iterator[FaceSample]:
    def read(numbered: tuple[int, tuple[object, ...]]) -> FaceSample | None:
        row, (usage, emotion, encoded, subject, *votes) = numbered
        location = f"{path}: row {row}"
        row_split = _split(usage, location)
        if split is not None and row_split is not split:
            return None
        return FaceSample(
            _decode(encoded, location),
            _emotion(emotion, location),
            row_split,
            location,
            _votes(votes, location) if any(count is not None for count in votes) else None,
            None if subject is None else str(subject),
        )

    yield from read_each(enumerate(_rows(file), start=1), read, report)


def _rows(file: pq.ParquetFile) -> Iterator[tuple[object, ...]]:
    """Usage, emotion, encoded picture, subject and, if there are such columns, the ten votes."""
    present = set(file.schema_arrow.names)
    has_votes, has_subject = set(_VOTE_COLUMNS) <= present, _SUBJECT in present
    names = [*_COLUMNS, *((_SUBJECT,) if has_subject else ())]
    votes = _VOTE_COLUMNS if has_votes else []
    for batch in file.iter_batches(_BATCH_ROWS, columns=[*names, *votes]):
        columns = [batch.column(name).to_pylist() for name in names]
        if not has_subject:
            columns.append([None] * len(batch))
        columns += [batch.column(name).to_pylist() for name in votes]
        yield from zip(*columns, strict=True)


def _split(usage: object, location: str) -> Split | None:
    if usage is None:
        return None
    if usage not in list(Split):
        raise DatasetError(f"{location}: usage is {usage!r}; expected one of {', '.join(Split)}")
    return Split(str(usage))


def _emotion(emotion: object, location: str) -> Emotion:
    if not isinstance(emotion, int) or not 0 <= emotion < N_EMOTIONS:
        raise DatasetError(
            f"{location}: emotion is {emotion!r}; "
            f"expected a whole number from 0 to {N_EMOTIONS - 1}"
        )
    return Emotion(emotion)


def _votes(counts: list[object], location: str) -> tuple[int, ...]:
    whole = tuple(count for count in counts if isinstance(count, int) and 0 <= count <= _MAX_VOTES)
    if len(whole) != len(counts):
        raise DatasetError(
            f"{location}: the FER+ votes are {counts}; expected ten whole numbers from 0 to "
            f"{_MAX_VOTES}"
        )
    return whole


def _decode(encoded: object, location: str) -> npt.NDArray[np.uint8]:
    if not isinstance(encoded, bytes):
        raise DatasetError(f"{location}: image is {encoded!r}; expected an encoded picture")
    try:
        return to_gray(decode_image(encoded).image)
    except InputError as error:
        raise DatasetError(f"{location}: image is no readable picture: {error}") from error
