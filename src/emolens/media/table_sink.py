"""A table of the faces of a stream, written frame by frame."""

from pathlib import Path
from typing import Self

from emolens.contract import Provenance, TableRow, table_rows
from emolens.core.frame import Frame, FrameResult
from emolens.media.table_file import TableFile


class TableSink:
    """A sink that writes `FrameResult.to_table_rows` of every result into one file.

    Implements `emolens.core.ports.ResultSink`. See `TableFile` for the formats.

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
        self._table = TableFile(path, TableRow, made=made)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add the rows of one result. The frame is not used.

        Raises:
            OutputError: The rows cannot be written; see `TableFile.add`.
        """
        del frame
        self._table.add(table_rows(result))

    def close(self) -> None:
        """Complete the file under its final name. Closing it again has no effect.

        A table without any frame is discarded. After an error elsewhere, the rows so far are a
        table, because a stream may be stopped at any time.

        Raises:
            OutputError: The file cannot be completed; see `TableFile.add`.
        """
        if self._table.is_empty:
            self._table.discard()
        else:
            self._table.close()
