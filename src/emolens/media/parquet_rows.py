"""Rows of a table as Parquet, written in groups, so that memory stays constant."""

import contextlib
import typing
from collections.abc import Mapping
from typing import IO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from emolens.contract import EMBEDDED_KEY, SCHEMA_VERSION, Provenance, Record
from emolens.core.frame import Cell

_TYPES: Final = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bool: pa.bool_(),
}
# Rows of one Parquet row group (some megabytes) and of the batches it consists of. Rows as Python
# objects take eight times as much memory.
_GROUP_ROWS: Final = 10_000
_BATCH_ROWS: Final = 500


class ParquetRows:
    """A Parquet file that grows by rows.

    Args:
        file: An open, empty file.
        row: The record of a row. Its fields are the columns.
        made: The record of how the rows are made, for the metadata, or None.
    """

    def __init__(self, file: IO[bytes], row: type[Record], made: Provenance | None = None) -> None:
        self._schema = parquet_schema(row, made)
        self._writer = pq.ParquetWriter(file, self._schema)
        self._rows: list[dict[str, Cell]] = []
        self._batches: list[pa.RecordBatch] = []

    def add(self, row: Mapping[str, Cell]) -> None:
        """Add a row. Bytes of a file name that are not UTF-8 are escaped."""
        self._rows.append({name: _storable(value) for name, value in row.items()})
        if len(self._rows) >= _BATCH_ROWS:
            self._pack()
        if len(self._batches) * _BATCH_ROWS >= _GROUP_ROWS:
            self._flush()

    def finish(self) -> None:
        """Write the last rows and the footer."""
        self._pack()
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """Release the file before it is closed."""
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


def parquet_schema(row: type[Record], made: Provenance | None = None) -> pa.Schema:
    """Return the schema of a table: the fields of a record, each a number, text or truth value."""
    own = {EMBEDDED_KEY: made.to_json()} if made else {}
    return pa.schema(
        [(name, _type_of(field.annotation)) for name, field in row.model_fields.items()],
        metadata={"emolens_schema_version": SCHEMA_VERSION, **own},
    )


def _type_of(annotation: object) -> pa.DataType:
    """Return the column type of `int | None`, `Annotated[float, ...]` and the like."""
    while annotation not in _TYPES:
        annotation = typing.get_args(annotation)[0]
    return _TYPES[annotation]


def _storable(value: Cell) -> Cell:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value
