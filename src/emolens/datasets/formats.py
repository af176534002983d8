"""Which format a data set is stored in: looks at what a source is, by content first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Wanted
from emolens.datasets.folders import visible_entries
from emolens.datasets.readers import (
    affectnet,
    affectnet_annotations,
    affectnet_lists,
    ck_plus,
    ck_plus_sequences,
    class_folders,
    csv_rows,
    expw,
    fer2013_csv,
    fer2013_parquet,
    ferplus,
    jaffe,
    packed,
    raf_db,
)
from emolens.datasets.reading import ReadingReport
from emolens.datasets.sheet import DataSheet

_CSV_NAMES = frozenset({"fer2013.csv", "icml_face_data.csv"})
# Files of tables, read where their header says that they are faces.
_TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".gz", ".zip"})
_N_TABLES = 50
# Archives unpack into a folder of their name, sometimes into two.
_MAX_DEPTH = 4
_N_SHOWN = 8


class SourceFormat(StrEnum):
    """The formats that a data set can be read from."""

    CSV = "csv"
    PARQUET = "parquet"
    PARQUET_FOLDER = "parquet folder"
    CLASS_FOLDERS = "class folders"
    RAF_DB = "RAF-DB"
    AFFECTNET_LISTS = "AffectNet with lists"
    AFFECTNET_ANNOTATIONS = "AffectNet with annotations"
    EXPW = "ExpW"
    FERPLUS = "FER+"
    FERPLUS_IMAGES = "FER+ image files"
    CK_PLUS = "CK+"
    CK_PLUS_48 = "CK+ 48 px"
    JAFFE = "JAFFE"


Reader = Callable[[Path, Wanted, ReadingReport], Iterator[FaceSample]]


@dataclass(frozen=True, slots=True)
class PublishedFormat:
    """The files of a data set as its authors give them out.

    Attributes:
        is_one: Whether a folder has files or folders that only this data set has; a list that is
            missing beside them is found when it is read.
        read: Its reader.
        sheet: What is known of it.
    """

    is_one: Callable[[Path], bool]
    read: Reader
    sheet: DataSheet


# Of these, a folder may be one only; each wins over the general formats.
PUBLISHED: dict[SourceFormat, PublishedFormat] = {
    SourceFormat.RAF_DB: PublishedFormat(raf_db.is_raf_db, raf_db.iter_raf_db, raf_db.SHEET),
    SourceFormat.AFFECTNET_LISTS: PublishedFormat(
        affectnet_lists.is_affectnet_lists, affectnet_lists.iter_affectnet_lists, affectnet.SHEET
    ),
    SourceFormat.AFFECTNET_ANNOTATIONS: PublishedFormat(
        affectnet_annotations.is_affectnet_annotations,
        affectnet_annotations.iter_affectnet_annotations,
        affectnet.SHEET,
    ),
    SourceFormat.EXPW: PublishedFormat(expw.is_expw, expw.iter_expw, expw.SHEET),
    SourceFormat.FERPLUS: PublishedFormat(ferplus.is_ferplus, ferplus.iter_ferplus, ferplus.SHEET),
    SourceFormat.FERPLUS_IMAGES: PublishedFormat(
        ferplus.is_ferplus_images, ferplus.iter_ferplus_images, ferplus.IMAGES_SHEET
    ),
    SourceFormat.CK_PLUS: PublishedFormat(
        ck_plus_sequences.is_ck_plus, ck_plus_sequences.iter_ck_plus, ck_plus_sequences.SHEET
    ),
    SourceFormat.CK_PLUS_48: PublishedFormat(
        ck_plus.is_ck_plus_48, ck_plus.iter_ck_plus_48, ck_plus.SHEET
    ),
    SourceFormat.JAFFE: PublishedFormat(jaffe.is_jaffe, jaffe.iter_jaffe, jaffe.SHEET),
}
_GENERAL: dict[SourceFormat, Reader] = {
    SourceFormat.CSV: fer2013_csv.iter_csv,
    SourceFormat.PARQUET: fer2013_parquet.iter_parquet,
    SourceFormat.PARQUET_FOLDER: fer2013_parquet.iter_parquet_folder,
    SourceFormat.CLASS_FOLDERS: class_folders.iter_class_folders,
}
_ACCEPTED = (
    "accepted are: FER2013's CSV (fer2013.csv or icml_face_data.csv, also as .gz or .zip) or a "
    "folder with one of the two; a Parquet file with the columns usage, emotion and image or a "
    "folder of them; "
    f"a folder of {class_folders.LAYOUTS}; "
    f"a folder of {', '.join(PUBLISHED)} as published (docs/datasets.md)"
)


def reader_of(source_format: SourceFormat) -> Reader:
    """What reads a format."""
    published = PUBLISHED.get(source_format)
    return published.read if published else _GENERAL[source_format]


def sheet_of(source_format: SourceFormat) -> DataSheet | None:
    """What is known of a data set by its format; FER2013 for the formats that it comes in."""
    published = PUBLISHED.get(source_format)
    if published:
        return published.sheet
    return None if source_format is SourceFormat.CLASS_FOLDERS else fer2013_csv.SHEET


def find_format(source: Path) -> tuple[SourceFormat, Path]:
    """Look at what a source is, by content first and by name second.

    Args:
        source: A file or folder.

    Returns:
        The format and the path to read, which differs from the source where that is a folder
        around one CSV, or a folder in which the data set has a folder of its own.

    Raises:
        DatasetError: The source does not exist, or is none or more than one of the accepted
            layouts; the message names what was found and what is accepted.
    """
    if source.is_dir():
        return _folder_format(source)
    if source.is_file():
        return _file_format(source), source
    found = "is neither a file nor a folder" if source.exists() else "no such file or folder"
    raise DatasetError(f"{source}: {found}; {_ACCEPTED}")


def _file_format(file: Path) -> SourceFormat:
    try:
        with file.open("rb") as stream:
            start = stream.read(len(fer2013_parquet.MAGIC))
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read: {error.strerror or error}") from error
    suffix = file.suffix.lower()
    if start == fer2013_parquet.MAGIC:
        return SourceFormat.PARQUET
    if packed.is_packed(start):
        # Says at once where no table is inside.
        csv_rows.csv_columns(file)
        return SourceFormat.CSV
    if suffix == ".csv" or csv_rows.has_csv_header(file):
        return SourceFormat.CSV
    if suffix in fer2013_parquet.SUFFIXES:
        return SourceFormat.PARQUET
    found = f"a file that starts with {start!r}" if start else "an empty file"
    raise DatasetError(f"{file}: is {found}; {_ACCEPTED}")


def _folder_format(folder: Path) -> tuple[SourceFormat, Path]:
    entries = visible_entries(folder)
    candidates = _candidates(folder, entries)
    if len(candidates) > 1:
        found = ", ".join(
            path.name if kind is SourceFormat.CSV else kind for kind, path in candidates
        )
        raise DatasetError(
            f"{folder}: holds more than one data set ({found}); name the one to be read"
        )
    if not candidates:
        names = [entry.name + ("/" if entry.is_dir() else "") for entry in entries]
        shown = ", ".join(names[:_N_SHOWN]) + (", ..." if len(names) > _N_SHOWN else "")
        found = f"a folder with {shown or 'nothing in it'}"
        raise DatasetError(f"{folder}: {found}; {_hint(folder, entries)}{_ACCEPTED}")
    return candidates[0]


def _candidates(
    folder: Path, entries: list[Path], depth: int = 0
) -> list[tuple[SourceFormat, Path]]:
    """The data sets of a folder or, where it has none, of the only folder in it."""
    published = [(name, folder) for name, one in PUBLISHED.items() if one.is_one(folder)]
    found = published or _general_formats(folder, entries) or _tables(entries)
    inner = [entry for entry in entries if entry.is_dir()]
    if found or len(inner) != 1 or depth == _MAX_DEPTH:
        return found
    return _candidates(inner[0], visible_entries(inner[0]), depth + 1)


def _tables(entries: list[Path]) -> list[tuple[SourceFormat, Path]]:
    """The tables of labelled faces, whatever they are called; packed ones too."""
    files = (entry for entry in entries if entry.suffix.lower() in _TABLE_SUFFIXES)
    tables, doubtful = [], []
    for file in islice((file for file in files if file.is_file()), _N_TABLES):
        try:
            columns = csv_rows.csv_columns(file)
        except DatasetError:
            doubtful.append(file)
            continue
        if {csv_rows.EMOTION, csv_rows.PIXELS} <= columns:
            tables.append(file)
        elif csv_rows.PIXELS in columns:
            doubtful.append(file)
    # Reading one that is damaged or lacks a column says what is wrong with it.
    found = tables or (doubtful if len(doubtful) == 1 else [])
    return [(SourceFormat.CSV, file) for file in found]


def _general_formats(folder: Path, entries: list[Path]) -> list[tuple[SourceFormat, Path]]:
    candidates = [
        (SourceFormat.CSV, entry)
        for entry in entries
        if entry.name.lower() in _CSV_NAMES and entry.is_file()
    ]
    if fer2013_parquet.parquet_files(folder):
        candidates.append((SourceFormat.PARQUET_FOLDER, folder))
    if class_folders.has_class_folders(folder):
        candidates.append((SourceFormat.CLASS_FOLDERS, folder))
    return candidates


def _hint(folder: Path, entries: list[Path]) -> str:
    """Where a data set is that somebody missed by one folder."""
    for place in (folder.resolve().parent, *(entry for entry in entries if entry.is_dir())):
        try:
            found = next((name for name, one in PUBLISHED.items() if one.is_one(place)), None)
        except (DatasetError, OSError):
            # A neighbour that may not be looked into is no hint.
            continue
        if found:
            return f"{place} looks like {found}, name that; "
    return ""
