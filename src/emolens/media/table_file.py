"""A table in a file, as CSV, JSON Lines or Parquet, written row by row."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol, Self

from emolens.core.frame import Cell
from emolens.storage.files import GrowingFile
from emolens.storage.jsonl import to_line
from emolens.storage.names import check_suffix
from emolens.storage.side_files import write_side_file

if TYPE_CHECKING:
    from emolens.contract import Provenance, Record

TABLE_SUFFIXES: Final = (".csv", ".parquet", ".jsonl")
Row = Mapping[str, Cell]


class _Format(Protocol):
    """A format that writes rows into an open file."""

    def add(self, row: Row) -> None: ...

    def finish(self) -> None: ...

    def abandon(self) -> None:
        """Release the file before it is closed."""


class TableFile:
    """A table whose columns are the fields of a record.

    The suffix determines the format. Values are not rounded. Missing values are empty (CSV) or null
    (JSON Lines, Parquet). In CSV and Parquet, bytes of a file name that are not UTF-8 are escaped.

    Args:
        path: A path with the suffix .csv, .parquet or .jsonl. The file appears when the table is
            closed.
        row: The record of a row.
        made: The record of how the rows are made, or None. A text format gets a side file.

    Raises:
        ConfigError: The suffix is not allowed.
        OutputError: The file cannot be written.
    """

    def __init__(
        self, path: Path, row: "type[Record]", *, made: "Provenance | None" = None
    ) -> None:
        check_table_name(path)
        self._path = path
        # Incomplete text files are readable; a Parquet file without its footer is not.
        is_text = path.suffix.lower() != ".parquet"
        self._file = GrowingFile(path, keeps_lines=is_text)
        self._side_record = made.to_dict() if made and is_text else None
        self._format = _format_of(path.suffix.lower(), self._file.stream, row, made)
        self._is_open = True
        self.is_empty = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows.

        Raises:
            OutputError: The rows cannot be written, e.g. because the disk is full. Earlier lines of
                a text format are kept as `NAME.partial.SUFFIX`, and later rows are ignored.
        """
        if not self._is_open:
            return
        try:
            for row in rows:
                self._format.add(row)
                self.is_empty = False
        except OSError as error:
            self._is_open = False
            self._format.abandon()
            raise self._file.fail(error) from error

    def close(self) -> None:
        """Complete the file under its final name. Closing it again has no effect.

        Raises:
            OutputError: The file cannot be completed; see `add`.
        """
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._format.finish()
        except OSError as error:
            self._format.abandon()
            raise self._file.fail(error) from error
        self._file.complete()
        write_side_file(self._path, self._side_record)

    def discard(self) -> None:
        """Remove the incomplete file. Has no effect on a closed one."""
        if self._is_open:
            self._is_open = False
            self._format.abandon()
            self._file.discard()


def check_table_name(path: Path) -> None:
    """Check the suffix of a table.

    Raises:
        ConfigError: The suffix is not allowed.
    """
    check_suffix(path, TABLE_SUFFIXES)


def _format_of(
    suffix: str, file: IO[bytes], row: "type[Record]", made: "Provenance | None"
) -> _Format:
    match suffix:
        case ".csv":
            return _Csv(file, tuple(row.model_fields))
        case ".jsonl":
            return _JsonLines(file)
        case _:
            from emolens.media.parquet_rows import ParquetRows  # noqa: PLC0415 (pyarrow is slow to load)

            return ParquetRows(file, row, made)


class _Csv:
    def __init__(self, file: IO[bytes], columns: tuple[str, ...]) -> None:
        self._text = io.TextIOWrapper(
            file, encoding="utf-8", errors="backslashreplace", newline="", write_through=True
        )
        self._writer = csv.DictWriter(self._text, columns, lineterminator="\n")
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
