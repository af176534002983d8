"""What commands over several data sets share: one that cannot be read does not stop the others."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from emolens.cli.terminal import progress, say_error
from emolens.core.errors import DatasetError

_Read = TypeVar("_Read")


def read_sources(
    sources: Sequence[Path], read: Callable[[Path], _Read], *, quiet: bool
) -> list[_Read]:
    """What reading each source gave; a source that breaks its format is reported and left out."""
    done_so_far: list[_Read] = []
    with progress("sources", len(sources), quiet=quiet) as done:
        for number, source in enumerate(sources, start=1):
            try:
                done_so_far.append(read(source))
            except DatasetError as error:
                say_error(str(error))
            done(number)
    return done_so_far
