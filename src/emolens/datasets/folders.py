"""Folder listings in natural order and without hidden files, identical on every system."""

import re
from collections.abc import Iterator
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.imaging.listing import LeftOut, counts_as_image, is_hidden


def natural_key(name: str) -> tuple[str, str]:
    """Return a sort key for natural order: `Training_2` before `Training_10`.

    Args:
        name: A file or folder name.

    Returns:
        The key. It includes the name itself, which orders names that differ in leading zeros.
    """
    return re.sub(r"[0-9]+", _number_key, name), name


def _number_key(match: re.Match[str]) -> str:
    # A number with more digits is larger, so the number of digits precedes the digits.
    digits = match[0].lstrip("0")
    return f"{len(digits):03}{digits}"


def visible_entries(folder: Path) -> list[Path]:
    """List the files and folders of a folder in natural order, without hidden and system ones.

    Raises:
        DatasetError: The folder cannot be listed.
    """
    try:
        entries = [entry for entry in folder.iterdir() if not is_hidden(entry.name)]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed: {error.strerror or error}") from error
    return sorted(entries, key=lambda entry: natural_key(entry.name))


def image_files(folder: Path, left_out: LeftOut | None = None) -> Iterator[Path]:
    """List the images directly in a folder, in natural order.

    Args:
        folder: The folder.
        left_out: Counts the other files.

    Yields:
        The files that `emolens.imaging.listing` counts as images, including those in known formats
        that cannot be read. Reading those raises an error, so no image is skipped silently.

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
