"""A table of faces and frames: CSV, JSON Lines or Parquet, row by row in little memory."""

import contextlib
import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from emolens.contract import SCHEMA_VERSION, TABLE_COLUMNS, table_rows
from emolens.core.errors import ConfigError
from emolens.core.frame import Cell, Frame, FrameResult
from emolens.storage.files import GrowingFile
from emolens.storage.jsonl import to_line

TABLE_SUFFIXES: Final = (".csv", ".parquet", ".jsonl")
_TYPES: Final = {
    "frame": pa.int64(),
    "track_id": pa.int64(),
    "label": pa.string(),
    "top": pa.string(),
    "assessable": pa.bool_(),
}
SCHEMA: Final = pa.schema(
    [(name, _TYPES.get(name, pa.float64())) for name in TABLE_COLUMNS],
    metadata={"emolens_schema_version": SCHEMA_VERSION},
)
# Rows of one Parquet row group, some megabytes, and of the pieces that it is put together from:
# as Python objects rows take eight times as much memory.
_GROUP_ROWS: Final = 10_000
_PIECE_ROWS: Final = 500

Row = Mapping[str, Cell]


class _Format(Protocol):
    """Writes rows into an open file."""

    def add(self, row: Row) -> None: ...

    def finish(self) -> None: ...

    def abandon(self) -> None:
        """Let go of the file, which will be closed."""


class TableSink:
    """Writes `FrameResult.to_table_rows` of every result into one file.

    Implements `emolens.core.ports.ResultSink`. The format follows the suffix. Values are written in
    full, not rounded; what there is none of is empty (CSV), null (JSON Lines, Parquet).

    Args:
        path: A name that ends in .csv, .parquet or .jsonl. The file appears when this is closed.

    Raises:
        ConfigError: Another suffix.
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        check_table_name(path)
        # Without its end a Parquet file cannot be read; lines can.
        is_text = path.suffix.lower() != ".parquet"
        self._file = GrowingFile(path, keeps_lines=is_text)
        self._format = _format_of(path.suffix.lower(), self._file.stream)
        self._is_open, self._is_empty = True, True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add the rows of one result; the frame is not used.

        Raises:
            OutputError: They cannot be written, e.g. on a full disk. What was written before is
                kept as `NAME.partial.SUFFIX`; later results are not taken any more.
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
        """Complete the file and give it its name; twice is no error.

        A table of no frame at all is not written.

        Raises:
            OutputError: It cannot be completed; as for `write`.
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


def check_table_name(path: Path) -> None:
    """Raise `ConfigError` unless a table can have this name."""
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise ConfigError(
            f"cannot write a table as {path.name!r}; allowed: {', '.join(TABLE_SUFFIXES)}"
        )


def _format_of(suffix: str, file: IO[bytes]) -> _Format:
    match suffix:
        case ".csv":
            return _Csv(file)
        case ".jsonl":
            return _JsonLines(file)
        case _:
            return _Parquet(file)


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
        """The file may be closed as it is."""


class _JsonLines:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, row: Row) -> None:
        self._file.write(to_line(row).encode("ascii"))

    def finish(self) -> None:
        """Nothing is left to write."""

    def abandon(self) -> None:
        """The file may be closed as it is."""


class _Parquet:
    def __init__(self, file: IO[bytes]) -> None:
        self._writer = pq.ParquetWriter(file, SCHEMA)
        self._rows: list[dict[str, Cell]] = []
        self._pieces: list[pa.RecordBatch] = []

    def add(self, row: Row) -> None:
        self._rows.append(dict(row))
        if len(self._rows) >= _PIECE_ROWS:
            self._pack()
        if len(self._pieces) * _PIECE_ROWS >= _GROUP_ROWS:
            self._flush()

    def finish(self) -> None:
        self._pack()
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        # It would write the end of the table when it is forgotten.
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()

    def _pack(self) -> None:
        if self._rows:
            self._pieces.append(pa.RecordBatch.from_pylist(self._rows, SCHEMA))
            self._rows = []

    def _flush(self) -> None:
        if self._pieces:
            self._writer.write_table(pa.Table.from_batches(self._pieces))
            self._pieces = []
