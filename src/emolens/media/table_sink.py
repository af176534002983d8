"""Tables of faces and frames as CSV, JSON Lines or Parquet, written row by row."""

import contextlib
import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from emolens.contract import (
    EMBEDDED_KEY,
    SCHEMA_VERSION,
    TABLE_COLUMNS,
    Provenance,
    table_rows,
)
from emolens.core.frame import Cell, Frame, FrameResult
from emolens.storage.files import GrowingFile
from emolens.storage.jsonl import to_line
from emolens.storage.names import check_suffix
from emolens.storage.side_files import write_side_file

TABLE_SUFFIXES: Final = (".csv", ".parquet", ".jsonl")
_TYPES: Final = {
    "frame": pa.int64(),
    "shot": pa.int64(),
    "track_id": pa.int64(),
    "label": pa.string(),
    "top": pa.string(),
    "assessable": pa.bool_(),
}
SCHEMA: Final = pa.schema(
    [(name, _TYPES.get(name, pa.float64())) for name in TABLE_COLUMNS],
    metadata={"emolens_schema_version": SCHEMA_VERSION},
)
# Rows of one Parquet row group (some megabytes) and of the batches it consists of. Rows as Python
# objects take eight times as much memory.
_GROUP_ROWS: Final = 10_000
_BATCH_ROWS: Final = 500

Row = Mapping[str, Cell]


class _Format(Protocol):
    """A format that writes rows into an open file."""

    def add(self, row: Row) -> None: ...

    def finish(self) -> None: ...

    def abandon(self) -> None:
        """Release the file before it is closed."""


class TableSink:
    """A sink that writes `FrameResult.to_table_rows` of every result into one file.

    Implements `emolens.core.ports.ResultSink`. The suffix determines the format. Values are not
    rounded. Missing values are empty (CSV) or null (JSON Lines, Parquet).

    Args:
        path: A path with the suffix .csv, .parquet or .jsonl. The file appears when the sink is
            closed.
        made: The record of how the rows are made: metadata of a Parquet file, and a side file of
            the other formats (`emolens.storage.side_files`).

    Raises:
        ConfigError: The suffix is not allowed.
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path, *, made: Provenance | None = None) -> None:
        check_table_name(path)
        self._path = path
        # Incomplete text files are readable; a Parquet file without its footer is not.
        is_text = path.suffix.lower() != ".parquet"
        self._file = GrowingFile(path, keeps_lines=is_text)
        self._side_record = made.to_dict() if made and is_text else None
        self._format = _format_of(path.suffix.lower(), self._file.stream, made)
        self._is_open, self._is_empty = True, True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add the rows of one result. The frame is not used.

        Raises:
            OutputError: The rows cannot be written, e.g. because the disk is full. Earlier lines of
                a text format are kept as `NAME.partial.SUFFIX`, and later results are ignored.
        """
        del frame
        if not self._is_open:
            return
        self._is_empty = False
        try:
            for row in table_rows(result):
                self._format.add(row)
        except OSError as error:
            self._is_open = False
            self._format.abandon()
            raise self._file.fail(error) from error

    def close(self) -> None:
        """Complete the file under its final name. Closing it again has no effect.

        A table without any frame is discarded.

        Raises:
            OutputError: The file cannot be completed; see `write`.
        """
        if not self._is_open:
            return
        self._is_open = False
        if self._is_empty:
            self._format.abandon()
            self._file.discard()
            return
        try:
            self._format.finish()
        except OSError as error:
            self._format.abandon()
            raise self._file.fail(error) from error
        self._file.complete()
        write_side_file(self._path, self._side_record)


def check_table_name(path: Path) -> None:
    """Check the suffix of a table.

    Raises:
        ConfigError: The suffix is not allowed.
    """
    check_suffix(path, TABLE_SUFFIXES)


def _format_of(suffix: str, file: IO[bytes], made: Provenance | None) -> _Format:
    match suffix:
        case ".csv":
            return _Csv(file)
        case ".jsonl":
            return _JsonLines(file)
        case _:
            return _Parquet(file, made)


class _Csv:
    def __init__(self, file: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.DictWriter(self._text, TABLE_COLUMNS, lineterminator="\n")
        self._writer.writeheader()

    def add(self, row: Row) -> None:
        self._writer.writerow(row)

    def finish(self) -> None:
        self._text.detach()

    def abandon(self) -> None:
        """Do nothing: the file may be closed as it is."""


class _JsonLines:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, row: Row) -> None:
        self._file.write(to_line(row).encode("ascii"))

    def finish(self) -> None:
        """Do nothing: every line is already written."""

    def abandon(self) -> None:
        """Do nothing: the file may be closed as it is."""


class _Parquet:
    def __init__(self, file: IO[bytes], made: Provenance | None) -> None:
        own = {EMBEDDED_KEY: made.to_json()} if made else {}
        self._schema = SCHEMA.with_metadata({**SCHEMA.metadata, **own})
        self._writer = pq.ParquetWriter(file, self._schema)
        self._rows: list[dict[str, Cell]] = []
        self._batches: list[pa.RecordBatch] = []

    def add(self, row: Row) -> None:
        self._rows.append(dict(row))
        if len(self._rows) >= _BATCH_ROWS:
            self._pack()
        if len(self._batches) * _BATCH_ROWS >= _GROUP_ROWS:
            self._flush()

    def finish(self) -> None:
        self._pack()
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        # Otherwise the garbage collector makes the writer append a footer later.
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()

    def _pack(self) -> None:
        if self._rows:
            self._batches.append(pa.RecordBatch.from_pylist(self._rows, self._schema))
            self._rows = []

    def _flush(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches))
            self._batches = []
