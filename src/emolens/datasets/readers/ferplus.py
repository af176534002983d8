"""The readers of FER+: FER2013's images with the votes of ten raters.

FER+'s list has a row for every row of FER2013 but no images. The images are beside it, either in
FER2013's CSV or as image files written by FER+'s own tool. These are two separate formats, because
only the first has FER2013's labels.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split, Wanted, is_wanted
from emolens.datasets.image_lists import listed_emotion, numbered_lines, shown
from emolens.datasets.images import read_gray
from emolens.datasets.readers import fer2013_csv
from emolens.datasets.readers.csv_rows import CsvRow, iter_rows
from emolens.datasets.readers.fer2013_usage import EXPECTED, SPLITS, USAGES
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.sheet import DataSheet, SourceClass
from emolens.datasets.votes import NOT_FACE, VOTE_NAMES, majority_votes, vote_columns

LIST_NAME = "fer2013new.csv"
FACE_FOLDERS = {
    Split.TRAIN: "FER2013Train",
    Split.VALIDATION: "FER2013Valid",
    Split.TEST: "FER2013Test",
}
# FER+ names its last class NF.
COLUMNS = ("Usage", "Image name", *VOTE_NAMES[:NOT_FACE], "NF")

SHEET = DataSheet(
    name="FER+ with FER2013's CSV",
    origin=(
        "Barsoum, Zhang, Canton Ferrer and Zhang 2016, Training Deep Networks for Facial "
        "Expression Recognition with Crowd-Sourced Label Distribution (ICMI; arXiv:1608.01041): "
        "ten crowd workers assigned one of ten classes to every image of FER2013. "
        f"The images and FER2013's labels: {fer2013_csv.SHEET.origin}"
    ),
    terms=(
        "Votes: MIT licence (https://github.com/microsoft/FERPlus). Images: "
        f"{fer2013_csv.SHEET.terms}"
    ),
    images=fer2013_csv.SHEET.images,
    layout=(
        f"{LIST_NAME}   columns {', '.join(COLUMNS)}\n"
        "fer2013.csv      or icml_face_data.csv, with the same rows in the same order"
    ),
    classes=fer2013_csv.SHEET.classes,
    rule=(
        "Every face has FER2013's label and FER+'s ten vote counts. Images with a majority vote "
        "for not a face are kept; the votes identify them."
    ),
    splits=fer2013_csv.SHEET.splits,
    counts=fer2013_csv.SHEET.counts,
    labels_sha256=fer2013_csv.SHEET.labels_sha256,
    votes_sha256=fer2013_csv.SHEET.votes_sha256,
    known_issues=(
        *fer2013_csv.SHEET.known_issues,
        "Names: the numbers in the image names differ from FER2013's row numbers, because some "
        "rows without a face are not numbered. The two files are joined by row.",
    ),
)

_EMOTIONS = {int(column): Emotion.from_index(index) for index, column in enumerate(vote_columns())}
IMAGES_SHEET = replace(
    SHEET,
    name="FER+ with image files",
    layout=(
        f"{LIST_NAME}   columns {', '.join(COLUMNS)}\n"
        "FER2013Train/fer0000000.png, ...\n"
        "FER2013Valid/fer0028638.png, ...\n"
        "FER2013Test/fer0032220.png, ...\n"
        "The three folders may also be in images/ or data/. A label.csv in them is not read."
    ),
    classes=tuple(
        SourceClass(column, "not a face" if column == "NF" else column, _EMOTIONS.get(index))
        for index, column in enumerate(COLUMNS[2:])
    ),
    rule=(
        "The label is the majority vote, because the files do not contain FER2013's labels. "
        "Contempt, unknown and not a face (which has no image) are left out. Ties are left out as "
        "no majority."
    ),
    counts={},
    labels_sha256={},
    votes_sha256={},
)
_FACE_FILES = ("fer2013.csv", "icml_face_data.csv")
_PACKINGS = ("", ".gz", ".zip")
_IMAGE_NAME = re.compile(r"fer[0-9]{7}\.png", re.IGNORECASE)
_VOTE = re.compile(r"[0-9]|10", re.ASCII)
_NO_MAJORITY = "no majority"


def is_ferplus(folder: Path) -> bool:
    """Return whether a folder has FER+'s list and FER2013's CSV."""
    return (folder / LIST_NAME).is_file() and bool(_face_files(folder))


def is_ferplus_images(folder: Path) -> bool:
    """Return whether a folder has FER+'s list without FER2013's CSV, or FER+'s image folders."""
    if is_ferplus(folder):
        return False
    return (folder / LIST_NAME).is_file() or _face_root(folder) is not None


def iter_ferplus(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read FER2013's faces with FER+'s votes, row by row, in constant memory.

    Args:
        folder: A folder with FER+'s list and FER2013's CSV.
        split: The split to read, or all. Only the split of other rows is parsed.
        report: Counts rows that are damaged in either file.

    Returns:
        An iterator over faces, uint8 (48, 48), with votes and the row of FER2013's CSV as location.

    Raises:
        DatasetError: At once if a file is missing; while iterating if a row is damaged, or the two
            files differ in the number of rows or the split of a row.
    """
    face_file, list_file = _require_face_file(folder), _require_list(folder)
    labels = fer2013_csv.label_column()

    def read(rows: tuple[CsvRow, "_VoteRow"]) -> FaceSample | None:
        face_row, vote_row = rows
        face = fer2013_csv.read_face(face_row, split, labels)
        return replace(face, votes=vote_row.read().votes) if face else None

    report = report or ReadingReport()
    return read_each(_in_step(face_file, list_file, report), read, report)


def iter_ferplus_images(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the images of FER+'s list, in its order, with votes.

    Args:
        folder: A folder with FER+'s list and its three image folders.
        split: The split to read, or all. Images of other splits are not opened, and their folders
            may be missing.
        report: Counts damaged rows and images.

    Returns:
        An iterator over faces, uint8 (H, W), with votes and the row of the list as location.

    Raises:
        DatasetError: At once if the list or a folder is missing; while iterating if a row or image
            is damaged.
    """
    list_file = _require_list(folder)
    face_folders = _require_face_folders(folder, split)
    report = report or ReadingReport()

    def read(row: _VoteRow) -> FaceSample | None:
        listed = row.read()
        if not is_wanted(listed.split, split):
            return None
        emotion = _majority_emotion(listed, row.location, report)
        if emotion is None:
            return None
        file = face_folders[listed.split] / listed.name
        image = read_gray(file, row.location)
        return FaceSample(image, emotion, listed.split, row.location, listed.votes)

    return read_each(_vote_rows(list_file), read, report)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A parsed row of the list; the name is empty without an image."""

    split: Split
    name: str
    votes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _VoteRow:
    """An unparsed row of the list."""

    location: str
    line: str

    def read(self) -> _Listed:
        """Parse the row; raise `DatasetError` if it is damaged."""
        fields = _fields(self.line)
        if len(fields) != len(COLUMNS):
            raise DatasetError(
                f"{self.location}: has {len(fields)} fields; expected {len(COLUMNS)}: "
                f"{','.join(COLUMNS)}"
            )
        usage, name, *counts = fields
        if usage not in SPLITS:
            raise DatasetError(f"{self.location}: Usage is {shown(usage)}; expected {EXPECTED}")
        if name and not _IMAGE_NAME.fullmatch(name):
            raise DatasetError(
                f"{self.location}: the image name is {shown(name)}; "
                "expected a name such as fer0000000.png, or an empty field for no face"
            )
        for column, count in zip(COLUMNS[2:], counts, strict=True):
            if not _VOTE.fullmatch(count):
                raise DatasetError(
                    f"{self.location}: {column} has {shown(count)} votes; "
                    "expected a whole number from 0 to 10"
                )
        return _Listed(SPLITS[usage], name, tuple(map(int, counts)))


def _vote_rows(list_file: Path) -> Iterator[_VoteRow]:
    lines = numbered_lines(list_file)
    _, header = next(lines, (0, ""))
    if [name.lower() for name in _fields(header)] != [name.lower() for name in COLUMNS]:
        found = f"starts with {shown(header)}" if header else "is empty"
        raise DatasetError(
            f"{list_file}: {found}; expected the header of FER+'s list, {','.join(COLUMNS)}"
        )
    for row, (number, line) in enumerate(lines, start=1):
        yield _VoteRow(f"{list_file}: row {row} (line {number})", line)


def _fields(line: str) -> list[str]:
    return [field.strip(' \t"') for field in line.split(",")]


def _in_step(
    face_file: Path, list_file: Path, report: ReadingReport
) -> Iterator[tuple[CsvRow, _VoteRow]]:
    """Pair the rows of both files; stop at the first difference in their splits or number."""
    action = "Use both files of one release, unchanged."
    for face_row, vote_row in zip_longest(iter_rows(face_file, report), _vote_rows(list_file)):
        if face_row is None or vote_row is None:
            longer, shorter = (vote_row, face_file) if face_row is None else (face_row, list_file)
            raise DatasetError(
                f"{longer.location}: the corresponding row of {shorter} is missing. {action}"
            )
        face_split, vote_split = _split_of(face_row), _split_of(vote_row)
        # A damaged row is reported when it is parsed.
        if face_split and vote_split and face_split is not vote_split:
            raise DatasetError(
                f"{face_row.location}: Usage is {USAGES[face_split]}, but {USAGES[vote_split]} in "
                f"{vote_row.location}; the rows of the two files differ. {action}"
            )
        yield face_row, vote_row


def _split_of(row: CsvRow | _VoteRow) -> Split | None:
    try:
        return row.fields()[2] if isinstance(row, CsvRow) else row.read().split
    except DatasetError:
        return None


def _majority_emotion(listed: _Listed, location: str, report: ReadingReport) -> Emotion | None:
    if not listed.name:
        majority = NOT_FACE
    else:
        majority = int(majority_votes(np.array([listed.votes], np.uint8))[0])
    if majority < 0:
        report.leave_out(_NO_MAJORITY)
        return None
    return listed_emotion(IMAGES_SHEET, COLUMNS[2:][majority], location, report)


def _face_files(folder: Path) -> list[Path]:
    files = (folder / f"{name}{packing}" for name in _FACE_FILES for packing in _PACKINGS)
    return [file for file in files if file.is_file()]


def _require_face_file(folder: Path) -> Path:
    files = _face_files(folder)
    if len(files) != 1:
        raise DatasetError(
            f"{folder}: contains {' and '.join(file.name for file in files) or 'no faces'}; "
            f"expected exactly one of {' and '.join(_FACE_FILES)} (plain, .gz or .zip) beside "
            f"{LIST_NAME}"
        )
    return files[0]


def _require_list(folder: Path) -> Path:
    file = folder / LIST_NAME
    if not file.is_file():
        csv = " To read FER2013's CSV alone, use the path of that file."
        raise DatasetError(
            f"{file}: FER+'s list of votes is missing. Copy it there from the release."
            f"{csv if _face_files(folder) else ''}"
        )
    return file


def _face_root(folder: Path) -> Path | None:
    """Return the folder with at least one of the image folders, or None."""
    for root in (folder, folder / "images", folder / "data"):
        if any((root / name).is_dir() for name in FACE_FOLDERS.values()):
            return root
    return None


def _require_face_folders(folder: Path, split: Wanted) -> Mapping[Split, Path]:
    names = ", ".join(FACE_FOLDERS.values())
    root = _face_root(folder)
    if root is None:
        raise DatasetError(
            f"{folder}: has FER+'s list {LIST_NAME} but no images. Add FER2013's fer2013.csv, or "
            f"the folders {names} written by FER+'s own tool."
        )
    for one in (one for one in Split if is_wanted(one, split)):
        if not (root / FACE_FOLDERS[one]).is_dir():
            raise DatasetError(
                f"{root / FACE_FOLDERS[one]}: the folder of the {one} images is missing; "
                f"expected {names}. Add it, or choose a split whose folder exists."
            )
    return {one: root / name for one, name in FACE_FOLDERS.items()}
