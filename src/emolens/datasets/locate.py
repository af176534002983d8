"""Locations of data sets: a path, or a name below the folder of all data sets."""

import os
from pathlib import Path
from typing import Final

DATA_FOLDER: Final = "EMOLENS_DATA"
"""The environment variable with the folder that holds the data sets."""


def locate(source: Path) -> Path:
    """Resolve the path of a data set.

    A recipe can say `source = "fer2013"`, and each device keeps its data sets where it likes.

    Args:
        source: A path, or a path relative to the folder in `EMOLENS_DATA`. A file or folder at the
            path itself takes precedence.

    Returns:
        The path below `EMOLENS_DATA` if only that one exists, else `source`.
    """
    folder = os.environ.get(DATA_FOLDER)
    if not folder or source.is_absolute() or source.exists():
        return source
    below = Path(folder).expanduser() / source
    return below if below.exists() else source
