"""Data files with the results of images: JSON Lines and tables."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emolens.jobs.images import ImageOutcome
from emolens.media.table_file import TableFile, check_table_name
from emolens.storage.jsonl import jsonl_writing
from emolens.storage.names import check_distinct

if TYPE_CHECKING:
    from emolens.contract import Provenance

Write = Callable[[ImageOutcome], None]


def check_image_outputs(jsonl: str | None, tables: Sequence[Path]) -> None:
    """Check the names of the outputs before any image is read.

    Raises:
        ConfigError: A table has a suffix that is not allowed, or an output would overwrite another.
    """
    for table in tables:
        check_table_name(table)
    check_distinct([jsonl, *tables])


@contextlib.contextmanager
def image_outputs(
    jsonl: str | None, tables: Sequence[Path], *, made: "Provenance | None" = None
) -> Iterator[Write]:
    """Open the outputs and return a function that writes the outcome of an image to all of them.

    Args:
        jsonl: A path for JSON Lines, `-` for standard output, or None.
        tables: Paths of tables: .csv, .parquet or .jsonl.
        made: The record of how the results are made, or None.

    Yields:
        The function. The files appear when the block ends without an error.

    Raises:
        ConfigError: As for `check_image_outputs`.
        OutputError: A file cannot be written.
    """
    check_image_outputs(jsonl, tables)
    with contextlib.ExitStack() as opened:
        writers = [_table_writer(opened, table, made) for table in tables]
        if jsonl is not None:
            record = made.to_dict() if made else None
            write_line = opened.enter_context(jsonl_writing(jsonl, made=record))
            writers.append(lambda outcome: write_line(outcome.record.to_dict()))

        def write(outcome: ImageOutcome) -> None:
            for writer in writers:
                writer(outcome)

        yield write


def _table_writer(opened: contextlib.ExitStack, path: Path, made: "Provenance | None") -> Write:
    from emolens.contract import ImageRow  # noqa: PLC0415 (pydantic is slow to load)

    table = opened.enter_context(TableFile(path, ImageRow, made=made))
    return lambda outcome: table.add(outcome.rows)
