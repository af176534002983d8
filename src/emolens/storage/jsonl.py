"""One JSON object per line, to a file or to standard output."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping

from emolens.storage.files import writing

STDOUT = "-"
WriteRecord = Callable[[Mapping[str, object]], None]


@contextlib.contextmanager
def jsonl_writing(target: str) -> Iterator[WriteRecord]:
    """Give a function that writes one record as one line of ASCII JSON.

    Args:
        target: A path, where the file appears when the block ends well, or `-` for standard
            output, where every line is flushed at once.

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


def to_line(record: Mapping[str, object]) -> str:
    """One record as a line of ASCII JSON; NaN is refused, since JSON has none."""
    return json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n"
