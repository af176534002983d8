"""The reader of FER2013's official CSV: one row per image, pixels as text."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split, Wanted, is_wanted
from emolens.datasets.label_order import LabelColumn
from emolens.datasets.readers.csv_rows import CsvRow, iter_rows, shown_bytes
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.sheet import DataSheet, SourceClass


def _counts(*n_faces: int) -> dict[str, int]:
    return dict(zip(LABELS, n_faces, strict=True))


SHEET = DataSheet(
    name="FER2013",
    origin=(
        "Goodfellow et al. 2013, Challenges in Representation Learning: A report on three machine "
        "learning contests, ICONIP 2013 (arXiv:1307.0414). Pierre-Luc Carrier and Aaron Courville "
        "collected the images with an image search for 184 emotion-related keywords and cropped "
        "the faces with OpenCV's detector. Human labellers rejected and relabelled images."
    ),
    terms=(
        "Published for a Kaggle contest without a licence. The copyright in the images remains "
        "with their owners. The images show real people; do not redistribute them."
    ),
    images="35,887 grey faces of 48 x 48 pixels, 8 bits",
    layout=(
        "fer2013.csv          columns emotion, pixels, Usage\n"
        "icml_face_data.csv   the same rows, columns emotion, Usage, pixels; one of them suffices"
    ),
    classes=tuple(SourceClass(str(emotion.index), emotion.label, emotion) for emotion in Emotion),
    rule="All seven classes are those of emolens.",
    splits=(
        "The column Usage: Training is the training split, PublicTest the validation split and "
        "PrivateTest the test split."
    ),
    # The first two are counted here; the third is the published total minus these.
    counts={
        Split.TRAIN: _counts(3995, 436, 4097, 7215, 4830, 3171, 4965),
        Split.VALIDATION: _counts(467, 56, 496, 895, 653, 415, 607),
        Split.TEST: _counts(491, 55, 528, 879, 594, 416, 626),
    },
    known_issues=(
        "Labels: the majority vote of FER+'s ten raters (Barsoum et al. 2016, Training Deep "
        "Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution) agrees "
        "with FER2013's label for only 64 % of the images: fear 15 %, disgust 38-46 %, sad "
        "42-46 %, angry 52-55 %, surprise 76-83 %, neutral 84-86 %, happy 91-93 %. Human accuracy "
        "on FER2013 is about 65 %, so a model with 73 % has also learnt the bias of the labels.",
        "Duplicates: 1,514 groups of pixel-identical images (3,365 images). 57 groups have "
        "conflicting labels, and 557 groups span splits. 288 of the 3,589 PrivateTest images "
        "(8 %) and 280 of the PublicTest images are also in Training, which inflates every "
        "published accuracy.",
        "Not faces: FER+'s raters find no face in 177 images.",
        "Balance: 1.5 % of the images are disgust and 25 % happy. The age, origin and sex of the "
        "subjects are not recorded.",
    ),
    labels_sha256={
        Split.TRAIN: "71a2f5aab44ee7eb2d3c5316d81f7ffc1a39d52308f85d67b214efbb2476bdb9",
        Split.VALIDATION: "9b760ee48d8d3c47728bd80c999641aa0a2a214a0305ddddf07e7ce97d397896",
    },
    votes_sha256={
        Split.TRAIN: "393ef0b1b83c4ae5df1b669f24d10ca252435d9e59fbb1faf2ac0c8230219701",
        Split.VALIDATION: "ec30065c4ddfb30767a1db2dc4d5810f0551d5376601b6019308cf0f4383ee10",
    },
)

SIDE_PX = 48
_N_PIXELS = SIDE_PX * SIDE_PX


def iter_csv(
    path: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read `fer2013.csv` or `icml_face_data.csv` row by row, in constant memory.

    The columns `emotion`, `pixels` and `Usage` may be in any order, with or without quotes, with
    spaces around their names, and among other columns. Empty lines are skipped. Labels may also be
    words. Without the column `Usage`, all rows are in the split of the file name, if it has one.

    Args:
        path: A file with a header line and commas, semicolons or tabs between the columns, plain
            or packed as gzip or zip.
        split: The split to read, or all. Pixels and labels of other rows are not parsed.
        report: Counts damaged rows and receives warnings.

    Yields:
        Faces, uint8 (48, 48), with the data row and line as location, both counted from 1.

    Raises:
        DatasetError: The file has another format, or a row is damaged. The message contains the
            file, row, line and the expected value.
    """
    report = report or ReadingReport()
    labels = label_column()
    rows = iter_rows(path, report)
    yield from read_each(rows, lambda row: read_face(row, split, labels), report)
    labels.warn(path, report)


def label_column() -> LabelColumn:
    """Return a parser for labels that recognises FER2013 by its number of faces per class."""
    return LabelColumn(SHEET.published_counts())


def read_face(row: CsvRow, split: Wanted, labels: LabelColumn) -> FaceSample | None:
    """Parse the face of a row.

    Args:
        row: The row.
        split: The split or splits to read, or None for all.
        labels: The parser for its label.

    Returns:
        The face, or None if it is in another split.

    Raises:
        DatasetError: The row is damaged.
    """
    emotion, pixels, row_split = row.fields()
    if not is_wanted(row_split, split):
        return None
    label = labels.read(emotion.decode("utf-8", "backslashreplace"), row_split, row.location)
    return FaceSample(parse_pixels(pixels, row.location), label, row_split, row.location)


def parse_pixels(field: bytes, location: str) -> npt.NDArray[np.uint8]:
    """Parse 2304 numbers separated by spaces as the pixels of a face, uint8 (48, 48).

    Raises:
        DatasetError: The number of pixels is wrong, or one is not a whole number from 0 to 255.
    """
    values = _parse_regular(field)
    if values is None:
        values = _parse_any(field, location)
    return values.reshape(SIDE_PX, SIDE_PX)


def _parse_regular(field: bytes) -> npt.NDArray[np.uint8] | None:
    """Parse 2304 numbers of 1 to 3 digits with single spaces; return None for any other text.

    All digits are processed at once, eight times as fast as number by number. The whole data set
    takes seconds.
    """
    # Leading spaces keep the indices before the first number inside the array.
    characters = np.frombuffer(b"   " + field + b" ", np.uint8)
    digits = characters - np.uint8(ord("0"))  # wraps around: other characters become >= 10
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
    """Parse the numbers one by one, for unusual spacing and to report the first wrong one."""
    # Also accepts a list as printed by Python.
    tokens = field.strip(b"[]").replace(b",", b" ").split()
    values = bytearray()
    for index, token in enumerate(tokens, start=1):
        number = int(token) if re.fullmatch(rb"[0-9]{1,3}", token) else -1
        if not 0 <= number <= np.iinfo(np.uint8).max:
            raise DatasetError(
                f"{location}: pixel {index} is {shown_bytes(token)}; "
                "expected a whole number from 0 to 255"
            )
        values.append(number)
    if len(values) != _N_PIXELS:
        raise DatasetError(
            f"{location}: has {len(values)} pixels; expected {_N_PIXELS} ({SIDE_PX} x {SIDE_PX})"
        )
    return np.frombuffer(bytes(values), np.uint8)
