"""FER2013 as its official CSV: one row per picture, pixels as text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS, N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.sheet import DataSheet, SourceClass


def _counts(*n_faces: int) -> dict[str, int]:
    return dict(zip(LABELS, n_faces, strict=True))


SHEET = DataSheet(
    name="FER2013",
    origin=(
        "Goodfellow et al. 2013, Challenges in Representation Learning: A report on three machine "
        "learning contests, ICONIP 2013 (arXiv:1307.0414). Pierre-Luc Carrier and Aaron Courville "
        "collected the pictures with an image search for 184 emotion-related words, cut the faces "
        "out with OpenCV's detector, and had people reject and relabel them."
    ),
    terms=(
        "Published for a Kaggle contest, without a licence text of its own; the rights in the "
        "pictures stay with their owners. They show real people: do not pass them on."
    ),
    pictures="35,887 grey faces of 48 x 48 pixels, 8 bits",
    layout=(
        "fer2013.csv          columns emotion, pixels, Usage\n"
        "icml_face_data.csv   the same rows, columns emotion, Usage, pixels; one of the two"
    ),
    classes=tuple(SourceClass(str(int(emotion)), emotion.label, emotion) for emotion in Emotion),
    rule="Its seven classes are the seven of emolens; none is left out.",
    splits=(
        "Usage: Training; PublicTest is the validation split and PrivateTest the test split here."
    ),
    # emolens counts the first two; the third is the published total less them.
    counts={
        "Training": _counts(3995, 436, 4097, 7215, 4830, 3171, 4965),
        "PublicTest": _counts(467, 56, 496, 895, 653, 415, 607),
        "PrivateTest": _counts(491, 55, 528, 879, 594, 416, 626),
    },
    faults=(
        "Labels: the majority of FER+'s ten raters (Barsoum et al. 2016, Training Deep Networks "
        "for Facial Expression Recognition with Crowd-Sourced Label Distribution) gives FER2013's "
        "label for only 64 % of the pictures: fear 15 %, disgust 38-46 %, sad 42-46 %, angry "
        "52-55 %, surprise 76-83 %, neutral 84-86 %, happy 91-93 %. Human accuracy on FER2013 is "
        "about 65 %: a model at 73 % has learnt the habit of the labelling too.",
        "Copies: 1,514 groups of pixel-identical pictures (3,365 pictures), 57 groups with "
        "conflicting labels; 557 groups span splits. 288 of the 3,589 PrivateTest pictures (8 %) "
        "and 280 of PublicTest also stand in Training: every published figure profits.",
        "Not faces: 177 pictures show none, say FER+'s raters.",
        "Balance: 1.5 % of the pictures are disgust, 25 % happy; people's age, origin and sex are "
        "not recorded.",
    ),
    labels_sha256={
        "Training": "71a2f5aab44ee7eb2d3c5316d81f7ffc1a39d52308f85d67b214efbb2476bdb9",
        "PublicTest": "9b760ee48d8d3c47728bd80c999641aa0a2a214a0305ddddf07e7ce97d397896",
    },
    votes_sha256={
        "Training": "393ef0b1b83c4ae5df1b669f24d10ca252435d9e59fbb1faf2ac0c8230219701",
        "PublicTest": "ec30065c4ddfb30767a1db2dc4d5810f0551d5376601b6019308cf0f4383ee10",
    },
)

SIDE_PX = 48
_N_PIXELS = SIDE_PX * SIDE_PX
_COLUMNS = ("emotion", "pixels", "usage")
_BOM = b"\xef\xbb\xbf"
# A row has at most 2304 * 4 bytes of pixels; a longer "line" means that this is no such CSV, and
# reading on would pull the whole file into memory.
_MAX_LINE_BYTES = 1 << 16
_QUOTED_MIN_BYTES = 2
_EMOTIONS = {str(int(emotion)).encode(): emotion for emotion in Emotion}
_SPLITS = {split.value.encode(): split for split in Split}


@dataclass(frozen=True, slots=True)
class _Header:
    """Where the three columns stand, and how many fields a row must have."""

    n_columns: int
    emotion: int
    pixels: int
    usage: int


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A line of the file, not looked at yet.

    Attributes:
        location: File, row and line.
        line: Without the white space around it.
        header: What its fields are.
    """

    location: str
    line: bytes
    header: _Header

    def fields(self) -> tuple[bytes, bytes, Split]:
        """Label and pixels as they stand there, and the split.

        Raises:
            DatasetError: The row has more or fewer fields than the header, or an unknown split.
        """
        fields = self.line.split(b",")
        if len(fields) != self.header.n_columns:
            raise DatasetError(
                f"{self.location}: has {len(fields)} fields; "
                f"the header names {self.header.n_columns}"
            )
        usage = _unquoted(fields[self.header.usage])
        split = _SPLITS.get(usage)
        if split is None:
            raise DatasetError(
                f"{self.location}: Usage is {_shown(usage)}; expected one of {', '.join(Split)}"
            )
        emotion, pixels = fields[self.header.emotion], fields[self.header.pixels]
        return _unquoted(emotion), _unquoted(pixels), split


def iter_csv(
    path: Path, split: Split | None = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read `fer2013.csv` or `icml_face_data.csv` row by row, in constant memory.

    The columns `emotion`, `pixels` and `Usage` may stand in any order, quoted or not, with spaces
    around their names and with further columns beside them; empty lines are skipped.

    Args:
        path: A comma-separated file with a header line.
        split: Only the faces of this split, or all. Pixels and label of other rows are not looked
            at.
        report: Where broken rows are counted if they may be skipped.

    Yields:
        Faces of uint8 (48, 48), located by data row and line, both counted from 1.

    Raises:
        DatasetError: Not such a file, or a row that breaks the format; the message names file, row,
            line and what was expected.
    """
    yield from read_each(
        iter_rows(path), lambda row: read_face(row, split), report or ReadingReport()
    )


def iter_rows(path: Path) -> Iterator[CsvRow]:
    """The rows of the file in order, empty lines left out.

    Raises:
        DatasetError: The file cannot be read, has another header, or a line is too long.
    """
    try:
        with path.open("rb") as file:
            lines = _lines(file, path)
            _, first_line = next(lines, (0, b""))
            header = _read_header(first_line, path)
            for row, (number, line) in enumerate(lines, start=1):
                yield CsvRow(f"{path}: row {row} (line {number})", line, header)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_face(row: CsvRow, split: Split | None) -> FaceSample | None:
    """The face of a row, or None where it belongs to another split than the wanted one.

    Raises:
        DatasetError: The row breaks the format.
    """
    emotion, pixels, row_split = row.fields()
    if split is not None and row_split is not split:
        return None
    label = _emotion(emotion, row.location)
    return FaceSample(_pixels(pixels, row.location), label, row_split, row.location)


def has_csv_header(path: Path) -> bool:
    """Whether the first line of a file names the columns of FER2013's CSV."""
    try:
        with path.open("rb") as file:
            return set(_COLUMNS) <= set(_column_names(file.readline(_MAX_LINE_BYTES)))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers from 1."""
    number = 0
    while line := file.readline(_MAX_LINE_BYTES):
        number += 1
        if len(line) == _MAX_LINE_BYTES:
            raise DatasetError(
                f"{path}: line {number} is longer than {_MAX_LINE_BYTES} bytes; expected at most "
                f"{_N_PIXELS} pixel values per line"
            )
        stripped = line.strip()
        if stripped:
            yield number, stripped


def _column_names(line: bytes) -> list[str]:
    fields = line.removeprefix(_BOM).split(b",")
    return [_unquoted(field).decode("utf-8", "backslashreplace").lower() for field in fields]


def _read_header(line: bytes, path: Path) -> _Header:
    if not line:
        raise DatasetError(
            f"{path}: is empty; expected a header line with the columns emotion, pixels and Usage"
        )
    names = _column_names(line)
    wrong = [name for name in _COLUMNS if names.count(name) != 1]
    if wrong:
        raise DatasetError(
            f"{path}: line 1 is no header of FER2013's CSV: expected the comma-separated columns "
            f"emotion, pixels and Usage, once each, got {_shown(line)}"
        )
    emotion, pixels, usage = (names.index(name) for name in _COLUMNS)
    return _Header(len(names), emotion, pixels, usage)


def _unquoted(field: bytes) -> bytes:
    field = field.strip()
    if len(field) >= _QUOTED_MIN_BYTES and field[:1] == field[-1:] == b'"':
        return field[1:-1].strip()
    return field


def _emotion(field: bytes, location: str) -> Emotion:
    emotion = _EMOTIONS.get(field)
    if emotion is None:
        raise DatasetError(
            f"{location}: emotion is {_shown(field)}; "
            f"expected a whole number from 0 to {N_EMOTIONS - 1}"
        )
    return emotion


def _pixels(field: bytes, location: str) -> npt.NDArray[np.uint8]:
    values = _parse_regular(field)
    if values is None:
        values = _parse_any(field, location)
    return values.reshape(SIDE_PX, SIDE_PX)


def _parse_regular(field: bytes) -> npt.NDArray[np.uint8] | None:
    """Read 2304 numbers of 1 to 3 digits between spaces, or None if the text is anything else.

    Works on all digits at once, which is eight times as fast as reading number by number: the whole
    data set takes seconds.
    """
    # Spaces in front let the look back from the first number stay inside the array.
    characters = np.frombuffer(b"   " + field + b" ", np.uint8)
    digits = characters - np.uint8(ord("0"))  # wraps around: whatever is no digit becomes >= 10
    is_digit = digits <= 9
    ends = np.flatnonzero(is_digit[:-1] & ~is_digit[1:])
    n_spaces = field.count(b" ")
    if len(ends) != _N_PIXELS or np.count_nonzero(is_digit) + n_spaces != len(field):
        return None
    has_tens = is_digit[ends - 1]
    has_hundreds = has_tens & is_digit[ends - 2]
    has_thousands = has_hundreds & is_digit[ends - 3]
    numbers = digits[ends].astype(np.int32)
    numbers += np.where(has_tens, digits[ends - 1], 0) * np.int32(10)
    numbers += np.where(has_hundreds, digits[ends - 2], 0) * np.int32(100)
    if has_thousands.any() or numbers.max() > np.iinfo(np.uint8).max:
        return None
    return numbers.astype(np.uint8)


def _parse_any(field: bytes, location: str) -> npt.NDArray[np.uint8]:
    """Read the numbers one by one, for unusual spacing and to name the one that is wrong."""
    tokens = field.split()
    values = bytearray()
    for index, token in enumerate(tokens, start=1):
        number = int(token) if re.fullmatch(rb"[0-9]{1,3}", token) else -1
        if not 0 <= number <= np.iinfo(np.uint8).max:
            raise DatasetError(
                f"{location}: pixel {index} is {_shown(token)}; "
                "expected a whole number from 0 to 255"
            )
        values.append(number)
    if len(values) != _N_PIXELS:
        raise DatasetError(
            f"{location}: has {len(values)} pixels; expected {_N_PIXELS} ({SIDE_PX} x {SIDE_PX})"
        )
    return np.frombuffer(bytes(values), np.uint8)


def _shown(field: bytes) -> str:
    """The beginning of a field as printable text."""
    limit = 60
    text = field[:limit].decode("utf-8", "backslashreplace")
    return f"{text!r}{'...' if len(field) > limit else ''}"
