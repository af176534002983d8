"""Parsers for the lists of data sets: lines, labels, image paths, face boxes."""

import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.core.geometry import Box
from emolens.datasets.reading import ReadingReport
from emolens.datasets.sheet import DataSheet

# Ten times the longest line of a known list. A longer line belongs to another kind of file, and
# reading on would load that file into memory.
_MAX_LINE_CHARACTERS = 1 << 14
# float() would also read "nan", "1e300" and "1_0".
_PIXELS = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]*)?")
_N_SHOWN = 60


def numbered_lines(file: Path) -> Iterator[tuple[int, str]]:
    r"""Read the non-blank lines of a list, one by one.

    Args:
        file: A text file in UTF-8, with or without a byte order mark. A byte that is not UTF-8
            becomes `\xff`, so it damages only its own line.

    Yields:
        The line number, counted from 1, and the line without surrounding white space.

    Raises:
        DatasetError: The file cannot be read, or a line is too long for a list.
    """
    try:
        with file.open(encoding="utf-8-sig", errors="backslashreplace") as stream:
            number = 0
            while line := stream.readline(_MAX_LINE_CHARACTERS):
                number += 1
                if len(line) == _MAX_LINE_CHARACTERS:
                    raise DatasetError(
                        f"{file}: line {number} is longer than {_MAX_LINE_CHARACTERS} characters; "
                        "expected a list with one image per line"
                    )
                if stripped := line.strip():
                    yield number, stripped
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read: {error.strerror or error}") from error


def listed_emotion(
    sheet: DataSheet, code: str, location: str, report: ReadingReport
) -> Emotion | None:
    """Return the emotion of a listed label.

    Args:
        sheet: The data sheet.
        code: The label as written in the list.
        location: Its file and line, for the message.
        report: Counts faces whose class is none of the seven.

    Returns:
        One of the seven emotions, or None if the face is left out.

    Raises:
        DatasetError: The data set has no such label.
    """
    source_class = sheet.class_of(code, location)
    if source_class.emotion is None:
        report.leave_out(source_class.name)
    return source_class.emotion


def image_path(folder: Path, name: str, location: str) -> Path:
    """Return the path of a listed image.

    Args:
        folder: The folder of the images.
        name: The path of the image as listed, with `/` between folders.
        location: The file and line of the list, for the message.

    Raises:
        DatasetError: The path leaves the folder or contains unprintable characters.
    """
    # Windows paths include every way out of a folder: roots, drives, shares and "..".
    path = PureWindowsPath(name)
    if path.anchor or ".." in path.parts or not name.isprintable():
        raise DatasetError(
            f"{location}: the image path is {shown(name)}; "
            f"expected a path inside {folder}, such as a/b.jpg"
        )
    return folder / name


def face_box(
    x_range: tuple[str, str], y_range: tuple[str, str], location: str, *, is_size: bool = False
) -> Box:
    """Parse the box of a face.

    Args:
        x_range: Left and right edge in pixels of the image, as written in the list.
        y_range: Upper and lower edge.
        location: The file and line of the list, for the message.
        is_size: Whether the second value of each range is the width or height instead of an edge.

    Returns:
        The box. Its edges may lie outside the image.

    Raises:
        DatasetError: A value is not a number of pixels, or the box has no area.
    """
    for text in (*x_range, *y_range):
        if not _PIXELS.fullmatch(text):
            raise DatasetError(
                f"{location}: the face box has {shown(text)}; expected a number of pixels"
            )
    x_min, x_max, y_min, y_max = map(float, (*x_range, *y_range))
    if is_size:
        x_max, y_max = x_min + x_max, y_min + y_max
    if x_max <= x_min or y_max <= y_min:
        raise DatasetError(
            f"{location}: the face box is {x_max - x_min:g} x {y_max - y_min:g} px; "
            "expected a width and height above 0"
        )
    return Box(x_min, y_min, x_max, y_max)


def shown(text: str) -> str:
    """Return the beginning of a field, quoted for a message."""
    return f"{text[:_N_SHOWN]!r}{'...' if len(text) > _N_SHOWN else ''}"
