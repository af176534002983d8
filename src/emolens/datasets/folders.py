"""Lists folders the same way on every system: in natural order, without hidden files."""

import re
from collections.abc import Iterator
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.imaging.listing import LeftOut, counts_as_image, is_hidden


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


def image_files(folder: Path, left_out: LeftOut | None = None) -> Iterator[Path]:
    """The images that stand in a folder itself, in natural order.

    Args:
        folder: The folder.
        left_out: Where other files are counted.

    Yields:
        Files that count as images by `emolens.imaging.listing`, also those that are known but
        not read: better refused by name than missing without a word.

    Raises:
        DatasetError: The folder cannot be listed.
    """
    for entry in visible_entries(folder):
        if entry.is_dir():
            continue
        if counts_as_image(entry):
            yield entry
        elif left_out is not None:
            left_out.add(entry)
