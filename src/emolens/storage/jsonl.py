"""JSON Lines, written to a file or to standard output."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping

from emolens.storage.files import writing
from emolens.storage.side_files import write_side_file

STDOUT = "-"
WriteRecord = Callable[[Mapping[str, object]], None]


@contextlib.contextmanager
def jsonl_writing(
    target: str, *, made: Mapping[str, object] | None = None
) -> Iterator[WriteRecord]:
    """Open a JSON Lines output and return a function that writes one record per line.

    Args:
        target: A path, or `-` for standard output. The file appears when the block ends without an
            error; standard output is flushed after every line.
        made: The record of how the lines are made, for the side file. Standard output has none.

    Raises:
        OutputError: The file cannot be written.
    """
    if target == STDOUT:

        def write_to_stdout(record: Mapping[str, object]) -> None:
            sys.stdout.write(to_line(record))
            sys.stdout.flush()

        yield write_to_stdout
        return
    with writing(target) as file:

        def write_to_file(record: Mapping[str, object]) -> None:
            file.write(to_line(record).encode("ascii"))

        yield write_to_file
    write_side_file(target, made)


def to_line(record: Mapping[str, object]) -> str:
    """Return a record as a line of ASCII JSON.

    Raises:
        ValueError: The record contains NaN or infinity, which JSON does not allow.
    """
    return json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n"
