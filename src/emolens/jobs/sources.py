"""Reading of several data sets; an error in one does not stop the others."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from emolens.contract import InputRecord
from emolens.core.errors import DatasetError
from emolens.core.progress import Progress, silently
from emolens.core.records import public_name


def data_record(sources: Sequence[Path]) -> InputRecord:
    """Return the record of data sets: their names, without folders."""
    names = ", ".join(public_name(source.resolve().name) for source in sources)
    return InputRecord(kind="data set", name=names, n_files=len(sources))


_Read = TypeVar("_Read")


def read_sources(
    sources: Sequence[Path],
    read: Callable[[Path], _Read],
    *,
    on_error: Callable[[str], None],
    progress: Progress = silently,
) -> list[_Read]:
    """Read each source; report and skip those that violate their format."""
    results: list[_Read] = []
    with progress("sources", len(sources)) as done:
        for number, source in enumerate(sources, start=1):
            try:
                results.append(read(source))
            except DatasetError as error:
                on_error(str(error))
            done(number)
    return results
