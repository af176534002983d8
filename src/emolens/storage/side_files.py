"""Side files: the record of how a text file was made, next to it.

Tables and JSON Lines have no place for such a record that all programs ignore.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from emolens.core.errors import OutputError
from emolens.storage.files import is_device, write_bytes

SIDE_SUFFIX: Final = ".emolens.json"
"""`faces.csv` has the side file `faces.csv.emolens.json`."""


def side_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of the side file of a file, next to the target of a link."""
    own = Path(os.path.realpath(path))
    return own.with_name(own.name + SIDE_SUFFIX)


def write_side_file(path: str | os.PathLike[str], record: Mapping[str, object] | None) -> None:
    """Write the side file of a file. A device or pipe has none.

    None removes the side file of an earlier file of this name, which would tell something wrong.

    Raises:
        OutputError: The side file cannot be written or removed. The file itself is unchanged.
    """
    if is_device(path):
        return
    if record is None:
        _remove(side_path(path))
        return
    text = json.dumps(record, ensure_ascii=True, allow_nan=False, indent=1)
    write_bytes(side_path(path), f"{text}\n".encode("ascii"))


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror}") from error
