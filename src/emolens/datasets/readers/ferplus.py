"""FER+: FER2013's images with what ten raters saw in each, as its authors give it out.

Its list has a row for every row of FER2013 but no images; those lie beside it, either in
FER2013's own CSV or as the files that FER+'s own tool writes from that. The two are formats of
their own here, because only the first still knows FER2013's labels.
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
# FER+ calls its last answer NF.
COLUMNS = ("Usage", "Image name", *VOTE_NAMES[:NOT_FACE], "NF")

SHEET = DataSheet(
    name="FER+ with FER2013's CSV",
    origin=(
        "Barsoum, Zhang, Canton Ferrer and Zhang 2016, Training Deep Networks for Facial "
        "Expression Recognition with Crowd-Sourced Label Distribution (ICMI; arXiv:1608.01041): "
        "ten crowd workers chose one of ten answers for every image of FER2013. "
        f"The images and first labels: {fer2013_csv.SHEET.origin}"
    ),
    terms=(
        "The votes: MIT licence (https://github.com/microsoft/FERPlus). The images: "
        f"{fer2013_csv.SHEET.terms}"
    ),
    images=fer2013_csv.SHEET.images,
    layout=(
        f"{LIST_NAME}   columns {', '.join(COLUMNS)}\n"
        "fer2013.csv      or icml_face_data.csv, with the same rows in the same order"
    ),
    classes=fer2013_csv.SHEET.classes,
    rule=(
        "A face keeps FER2013's own label and gets the ten counts beside it. Rows that the raters "
        "call no face are kept too: the counts tell them."
    ),
    splits=fer2013_csv.SHEET.splits,
    counts=fer2013_csv.SHEET.counts,
    labels_sha256=fer2013_csv.SHEET.labels_sha256,
    votes_sha256=fer2013_csv.SHEET.votes_sha256,
    known_issues=(
        *fer2013_csv.SHEET.known_issues,
        "Names: the numbers in the names of the images are not those of FER2013's rows, because "
        "some rows without a face were not numbered; the two files are joined by row.",
    ),
)

_EMOTIONS = {int(column): Emotion(index) for index, column in enumerate(vote_columns())}
IMAGES_SHEET = replace(
    SHEET,
    name="FER+ with image files",
    layout=(
        f"{LIST_NAME}   columns {', '.join(COLUMNS)}\n"
        "FER2013Train/fer0000000.png, ...\n"
        "FER2013Valid/fer0028638.png, ...\n"
        "FER2013Test/fer0032220.png, ...\n"
        "The three folders may also lie in images/ or data/. A label.csv in them is not read."
    ),
    classes=tuple(
        SourceClass(column, "not a face" if column == "NF" else column, _EMOTIONS.get(index))
        for index, column in enumerate(COLUMNS[2:])
    ),
    rule=(
        "FER2013's labels are not there: the label is the answer that most raters gave. Left out "
        "are contempt, unknown and not a face (which has no image), and, as no majority, rows "
        "whose first place is shared."
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
    """Whether a folder holds FER+'s list beside FER2013's CSV."""
    return (folder / LIST_NAME).is_file() and bool(_face_files(folder))


def is_ferplus_images(folder: Path) -> bool:
    """Whether a folder holds FER+'s list without FER2013's CSV, or FER+'s image folders."""
    if is_ferplus(folder):
        return False
    return (folder / LIST_NAME).is_file() or _face_root(folder) is not None


def iter_ferplus(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read FER2013's faces with FER+'s votes, row by row, in constant memory.

    Args:
        folder: A folder with FER+'s list and FER2013's CSV.
        split: Only the faces of this split, or all; of other rows only the split is looked at.
        report: Where rows that are broken in either file are counted if they may be skipped.

    Returns:
        An iterator over faces of uint8 (48, 48) with votes, located by row of FER2013's CSV.

    Raises:
        DatasetError: At once where a file is missing; while iterating where a row is broken or the
            two files are not in step: another number of rows, or another split in a row.
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
    """Read the images that FER+'s list names, in its order, with votes.

    Args:
        folder: A folder with FER+'s list and its three image folders.
        split: Only the faces of this split, or all; images of other splits are not opened, and
            their folders may be missing.
        report: Where broken rows and images are counted if they may be skipped.

    Returns:
        An iterator over faces of uint8 (H, W) with votes, located by row of the list.

    Raises:
        DatasetError: At once where the list or a folder is missing; while iterating where a row or
            image is broken.
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
    """What a row of the list says; no name where there is no image."""

    split: Split
    name: str
    votes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _VoteRow:
    """A line of the list, not looked at yet."""

    location: str
    line: str

    def read(self) -> _Listed:
        """The content, or `DatasetError`."""
        fields = _fields(self.line)
        if len(fields) != len(COLUMNS):
            raise DatasetError(
                f"{self.location}: has {len(fields)} fields; expected the {len(COLUMNS)} of "
                f"{','.join(COLUMNS)}"
            )
        usage, name, *counts = fields
        if usage not in SPLITS:
            raise DatasetError(f"{self.location}: Usage is {shown(usage)}; expected {EXPECTED}")
        if name and not _IMAGE_NAME.fullmatch(name):
            raise DatasetError(
                f"{self.location}: the image is called {shown(name)}; "
                "expected a name such as fer0000000.png, or none where there is no face"
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
    """Rows of both files that belong together; a file that is out of step ends the reading."""
    advice = "give each other the files of one release, unchanged"
    for face_row, vote_row in zip_longest(iter_rows(face_file, report), _vote_rows(list_file)):
        if face_row is None or vote_row is None:
            longer, shorter = (vote_row, face_file) if face_row is None else (face_row, list_file)
            raise DatasetError(
                f"{longer.location}: has no row beside it in {shorter}, which ends before; {advice}"
            )
        face_split, vote_split = _split_of(face_row), _split_of(vote_row)
        # A row that is broken is an error of that row alone, told when it is read.
        if face_split and vote_split and face_split is not vote_split:
            raise DatasetError(
                f"{face_row.location}: Usage is {USAGES[face_split]}, but {USAGES[vote_split]} in "
                f"{vote_row.location}; the files hold other data or another order; {advice}"
            )
        yield face_row, vote_row


def _split_of(row: CsvRow | _VoteRow) -> Split | None:
    try:
        return row.fields()[2] if isinstance(row, CsvRow) else row.read().split
    except DatasetError:
        return None


def _majority_emotion(listed: _Listed, location: str, report: ReadingReport) -> Emotion | None:
    if not listed.name:
        answer = NOT_FACE
    else:
        answer = int(majority_votes(np.array([listed.votes], np.uint8))[0])
    if answer < 0:
        report.leave_out(_NO_MAJORITY)
        return None
    return listed_emotion(IMAGES_SHEET, COLUMNS[2:][answer], location, report)


def _face_files(folder: Path) -> list[Path]:
    files = (folder / f"{name}{packing}" for name in _FACE_FILES for packing in _PACKINGS)
    return [file for file in files if file.is_file()]


def _require_face_file(folder: Path) -> Path:
    files = _face_files(folder)
    if len(files) != 1:
        raise DatasetError(
            f"{folder}: has {' and '.join(file.name for file in files) or 'none'} of "
            f"{' and '.join(_FACE_FILES)} (or packed as .gz or .zip); exactly one of them must lie "
            f"beside {LIST_NAME}"
        )
    return files[0]


def _require_list(folder: Path) -> Path:
    file = folder / LIST_NAME
    if not file.is_file():
        csv = "; FER2013's CSV alone is read if you name that file" if _face_files(folder) else ""
        raise DatasetError(
            f"{file}: FER+'s list is missing; put it there from the release, for nothing else has "
            f"the votes{csv}"
        )
    return file


def _face_root(folder: Path) -> Path | None:
    """The folder that holds at least one of the image folders."""
    for root in (folder, folder / "images", folder / "data"):
        if any((root / name).is_dir() for name in FACE_FOLDERS.values()):
            return root
    return None


def _require_face_folders(folder: Path, split: Wanted) -> Mapping[Split, Path]:
    names = ", ".join(FACE_FOLDERS.values())
    root = _face_root(folder)
    if root is None:
        raise DatasetError(
            f"{folder}: has FER+'s list {LIST_NAME} but no images; put FER2013's fer2013.csv "
            f"beside it, or the folders {names} that FER+'s own tool writes from that"
        )
    for wanted in (one for one in Split if is_wanted(one, split)):
        if not (root / FACE_FOLDERS[wanted]).is_dir():
            raise DatasetError(
                f"{root / FACE_FOLDERS[wanted]}: the folder of the {wanted} images is missing; "
                f"expected {names}, or ask for a split whose folder is there"
            )
    return {one: root / name for one, name in FACE_FOLDERS.items()}
