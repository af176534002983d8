"""Lists folders the same way on every system: in natural order, without hidden files."""

import re
from pathlib import Path

from emolens.core.errors import DatasetError

# What systems put into folders beside the user's own files, dot files apart.
_SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


def natural_key(name: str) -> tuple[str, str]:
    """A sort key that reads digits as numbers, so `Training_2` stands before `Training_10`.

    Args:
        name: A file or folder name.

    Returns:
        The key; names that differ only in leading zeros are told apart by the name itself.
    """
    return re.sub(r"[0-9]+", _number_key, name), name


def _number_key(match: re.Match[str]) -> str:
    # A number with more digits is larger: the count in front makes text order number order.
    digits = match[0].lstrip("0")
    return f"{len(digits):03}{digits}"


def visible_entries(folder: Path) -> list[Path]:
    """The files and folders of a folder in natural order, without hidden and system ones.

    Raises:
        DatasetError: The folder cannot be listed.
    """
    try:
        entries = [entry for entry in folder.iterdir() if not is_hidden(entry.name)]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed: {error.strerror or error}") from error
    return sorted(entries, key=lambda entry: natural_key(entry.name))


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one of a system's own, by its name."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES
