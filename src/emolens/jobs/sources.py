"""Several data sets: one that cannot be read does not stop the others."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from emolens.core.errors import DatasetError
from emolens.core.progress import Progress, silently

_Read = TypeVar("_Read")


def read_sources(
    sources: Sequence[Path],
    read: Callable[[Path], _Read],
    *,
    on_error: Callable[[str], None],
    progress: Progress = silently,
) -> list[_Read]:
    """What reading each source gave; one that breaks its format is told and left out."""
    done_so_far: list[_Read] = []
    with progress("sources", len(sources)) as done:
        for number, source in enumerate(sources, start=1):
            try:
                done_so_far.append(read(source))
            except DatasetError as error:
                on_error(str(error))
            done(number)
    return done_so_far
