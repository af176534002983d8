"""Recognition of the format of a data set, by content first and by name second."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Wanted
from emolens.datasets.folders import visible_entries
from emolens.datasets.locate import DATA_FOLDER, locate
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
# Tables, which are read if their header names labelled faces.
_TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".gz", ".zip"})
_N_TABLES = 50
# Archives unpack into a folder of their name, sometimes into two nested ones.
_MAX_DEPTH = 4
_N_SHOWN = 8


class SourceFormat(StrEnum):
    """A supported format of a data set."""

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
    """The original files of a published data set.

    Attributes:
        is_one: Returns whether a folder has files or folders specific to this data set. Missing
            lists are reported when the data set is read.
        read: Its reader.
        sheet: Its data sheet.
    """

    is_one: Callable[[Path], bool]
    read: Reader
    sheet: DataSheet


# A folder may match only one of these. Each takes precedence over the general formats.
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
_SUPPORTED = (
    "Supported: FER2013's CSV (fer2013.csv or icml_face_data.csv, plain, .gz or .zip) or a folder "
    "that contains it; a Parquet file with the columns usage, emotion and image, or a folder of "
    "such files; "
    f"a folder of {class_folders.LAYOUTS}; "
    f"the published folder of {', '.join(PUBLISHED)} (docs/datasets.md)"
)


def reader_of(source_format: SourceFormat) -> Reader:
    """Return the reader of a format."""
    published = PUBLISHED.get(source_format)
    return published.read if published else _GENERAL[source_format]


def sheet_of(source_format: SourceFormat) -> DataSheet | None:
    """Return the data sheet of a format: FER2013's for CSV and Parquet, None for class folders."""
    published = PUBLISHED.get(source_format)
    if published:
        return published.sheet
    return None if source_format is SourceFormat.CLASS_FOLDERS else fer2013_csv.SHEET


def find_format(source: Path) -> tuple[SourceFormat, Path]:
    """Recognise the format of a source, by content first and by name second.

    Args:
        source: A file or folder, also relative to `EMOLENS_DATA` (`emolens.datasets.locate`).

    Returns:
        The format and the path to read. The path differs from the source if the source is a folder
        that contains one CSV or the folder of the data set.

    Raises:
        DatasetError: The source does not exist, or has no supported format or more than one. The
            message lists the content of the source and the supported formats.
    """
    source = locate(source)
    if source.is_dir():
        return _folder_format(source)
    if source.is_file():
        return _file_format(source), source
    if source.exists():
        raise DatasetError(f"{source}: is neither a file nor a folder. {_SUPPORTED}")
    raise DatasetError(
        f"{source}: no such file or folder. Set {DATA_FOLDER} to the folder that contains your "
        f"data sets, or give a path. {_SUPPORTED}"
    )


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
        # Raises an error at once if the archive contains no table.
        csv_rows.csv_columns(file)
        return SourceFormat.CSV
    if suffix == ".csv" or csv_rows.has_csv_header(file):
        return SourceFormat.CSV
    if suffix in fer2013_parquet.SUFFIXES:
        return SourceFormat.PARQUET
    problem = f"unknown format; the file starts with {start!r}" if start else "the file is empty"
    raise DatasetError(f"{file}: {problem}. {_SUPPORTED}")


def _folder_format(folder: Path) -> tuple[SourceFormat, Path]:
    entries = visible_entries(folder)
    candidates = _candidates(folder, entries)
    if len(candidates) > 1:
        found = ", ".join(
            path.name if kind is SourceFormat.CSV else kind for kind, path in candidates
        )
        raise DatasetError(
            f"{folder}: contains more than one data set ({found}). Use the path of one of them."
        )
    if not candidates:
        names = [entry.name + ("/" if entry.is_dir() else "") for entry in entries]
        shown = ", ".join(names[:_N_SHOWN]) + (", ..." if len(names) > _N_SHOWN else "")
        problem = f"no data set found; the folder contains {shown or 'nothing'}"
        raise DatasetError(f"{folder}: {problem}. {_suggestion(folder, entries)}{_SUPPORTED}")
    return candidates[0]


def _candidates(
    folder: Path, entries: list[Path], depth: int = 0
) -> list[tuple[SourceFormat, Path]]:
    """Find the data sets of a folder or, if it has none, of the only folder in it."""
    published = [(name, folder) for name, one in PUBLISHED.items() if one.is_one(folder)]
    found = published or _general_formats(folder, entries) or _tables(entries)
    inner = [entry for entry in entries if entry.is_dir()]
    if found or len(inner) != 1 or depth == _MAX_DEPTH:
        return found
    return _candidates(inner[0], visible_entries(inner[0]), depth + 1)


def _tables(entries: list[Path]) -> list[tuple[SourceFormat, Path]]:
    """Find the tables of labelled faces, whatever their names, packed or not."""
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
    # Reading a damaged or incomplete table raises an error that explains the problem.
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


def _suggestion(folder: Path, entries: list[Path]) -> str:
    """Suggest the parent or a subfolder if that is a data set."""
    for place in (folder.resolve().parent, *(entry for entry in entries if entry.is_dir())):
        try:
            found = next((name for name, one in PUBLISHED.items() if one.is_one(place)), None)
        except (DatasetError, OSError):
            # A folder without read permission cannot be suggested.
            continue
        if found:
            return f"Use {place}, which looks like {found}. "
    return ""
