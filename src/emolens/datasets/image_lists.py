"""Reads the lists that data sets come with: lines, labels, names of images, boxes of faces."""

import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.core.geometry import Box
from emolens.datasets.reading import ReadingReport
from emolens.datasets.sheet import DataSheet

# Ten times the longest line of a known list; a longer "line" means that this is no such list, and
# reading on would pull the whole file into memory.
_MAX_LINE_CHARACTERS = 1 << 14
# float() would also read "nan", "1e300" and "1_0".
_PIXELS = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]*)?")
_N_SHOWN = 60


def numbered_lines(file: Path) -> Iterator[tuple[int, str]]:
    r"""Read the lines of a list that are not blank, one by one.

    Args:
        file: A text in UTF-8, with or without a byte order mark; a byte that is none becomes
            `\xff`, so that only its own line goes wrong.

    Yields:
        Number, counted from 1, and text without the white space around it.

    Raises:
        DatasetError: The file cannot be read, or a line is too long for any list.
    """
    try:
        with file.open(encoding="utf-8-sig", errors="backslashreplace") as stream:
            number = 0
            while line := stream.readline(_MAX_LINE_CHARACTERS):
                number += 1
                if len(line) == _MAX_LINE_CHARACTERS:
                    raise DatasetError(
                        f"{file}: line {number} is longer than {_MAX_LINE_CHARACTERS} characters; "
                        "this is no list of images"
                    )
                if stripped := line.strip():
                    yield number, stripped
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read: {error.strerror or error}") from error


def listed_emotion(
    sheet: DataSheet, code: str, location: str, report: ReadingReport
) -> Emotion | None:
    """The emotion that a label stands for.

    Args:
        sheet: The data set.
        code: The label as it stands in the list.
        location: Where, for the message.
        report: Where a face is counted whose class is none of the seven.

    Returns:
        One of the seven, or None where the face is left out.

    Raises:
        DatasetError: The data set has no such label.
    """
    found = sheet.class_of(code, location)
    if found.emotion is None:
        report.leave_out(found.name)
    return found.emotion


def image_path(folder: Path, name: str, location: str) -> Path:
    """Where a listed image lies.

    Args:
        folder: The folder of the images.
        name: The image as it is listed, with `/` between folders.
        location: Where it is listed, for the message.

    Raises:
        DatasetError: The name leads out of the folder or cannot be printed.
    """
    # Windows' rules know all that leads out of a folder anywhere: roots, drives, shares and "..".
    path = PureWindowsPath(name)
    if path.anchor or ".." in path.parts or not name.isprintable():
        raise DatasetError(
            f"{location}: the image is called {shown(name)}; "
            f"expected a path inside {folder}, such as a/b.jpg"
        )
    return folder / name


def face_box(
    x_range: tuple[str, str], y_range: tuple[str, str], location: str, *, is_size: bool = False
) -> Box:
    """The box of a face from texts.

    Args:
        x_range: Left and right edge in pixels of the image, as they stand in the list.
        y_range: Upper and lower edge.
        location: Where they stand, for the message.
        is_size: The second of each range is no edge but the width or height.

    Raises:
        DatasetError: A text is no number of pixels, or the box has no area. An edge may lie outside
            the image.
    """
    for text in (*x_range, *y_range):
        if not _PIXELS.fullmatch(text):
            raise DatasetError(
                f"{location}: the box of the face has {shown(text)}; expected a number of pixels"
            )
    x_min, x_max, y_min, y_max = map(float, (*x_range, *y_range))
    if is_size:
        x_max, y_max = x_min + x_max, y_min + y_max
    if x_max <= x_min or y_max <= y_min:
        raise DatasetError(
            f"{location}: the face is {x_max - x_min:g} x {y_max - y_min:g} px; "
            "expected a width and height above 0"
        )
    return Box(x_min, y_min, x_max, y_max)


def shown(text: str) -> str:
    """The beginning of a field, fit to print."""
    return f"{text[:_N_SHOWN]!r}{'...' if len(text) > _N_SHOWN else ''}"
