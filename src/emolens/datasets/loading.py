"""One door to every data set format: look at what a source is, then read it."""

from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from emolens.core.errors import DatasetError
from emolens.datasets import class_folders, fer2013_csv, fer2013_parquet
from emolens.datasets.faces import FaceSample, FaceSet, Split, collect_faces
from emolens.datasets.folders import visible_entries

UNKNOWN_SPLIT = "unknown"
_CSV_NAMES = frozenset({"fer2013.csv", "icml_face_data.csv"})
_ACCEPTED = (
    "accepted are: FER2013's CSV (fer2013.csv or icml_face_data.csv) or a folder with one of the "
    "two; a Parquet file with the columns usage, emotion and image or a folder of them; "
    f"a folder of {class_folders.LAYOUTS}"
)
_N_SHOWN = 8


class SourceFormat(StrEnum):
    """The formats that a data set can be read from."""

    CSV = "csv"
    PARQUET = "parquet"
    PARQUET_FOLDER = "parquet folder"
    CLASS_FOLDERS = "class folders"


_Reader = Callable[[Path, Split | None], Iterator[FaceSample]]
_READERS: dict[SourceFormat, _Reader] = {
    SourceFormat.CSV: fer2013_csv.iter_csv,
    SourceFormat.PARQUET: fer2013_parquet.iter_parquet,
    SourceFormat.PARQUET_FOLDER: fer2013_parquet.iter_parquet_folder,
    SourceFormat.CLASS_FOLDERS: class_folders.iter_class_folders,
}


def find_format(source: Path) -> tuple[SourceFormat, Path]:
    """Look at what a source is, by content first and by name second.

    Args:
        source: A file or folder.

    Returns:
        The format and the path to read, which differs from the source where that is a folder
        around one CSV.

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


def iter_faces(source: Path, split: Split | None = None) -> Iterator[FaceSample]:
    """Read the labelled faces of a source one by one, in its own order.

    Args:
        source: A file or folder in one of the formats of `find_format`.
        split: Only the faces of this split, or all, also those that belong to none.

    Returns:
        An iterator that reads as it goes, in memory that does not grow with the source.

    Raises:
        DatasetError: At once where the source is none of the formats, and while iterating where
            a row or file breaks its format.
    """
    source_format, path = find_format(source)
    return _READERS[source_format](path, split)


def load_faces(source: Path, split: Split | None = None, *, size_px: int = 48) -> FaceSet:
    """Read the labelled faces of a source into memory, each brought to `size_px` squared.

    Raises:
        DatasetError: The source breaks its format or has no faces of that split; the message then
            says which splits it has.
    """
    faces = collect_faces(iter_faces(source, split), size_px)
    if not len(faces):
        raise DatasetError(_no_faces(source, split))
    return faces


def has_split(source: Path, split: Split) -> bool:
    """Whether a source has a face of a split; raises `DatasetError` if it breaks its format."""
    return next(iter_faces(source, split), None) is not None


def held_out_split(source: Path) -> Split | None:
    """The split to measure on where nobody chose one.

    Returns:
        The only split of the source (None where its faces belong to none), else `PublicTest`, else
        `PrivateTest`: never a split that a model may have been trained on beside a held-out one.

    Raises:
        DatasetError: The source breaks its format, or mixes splits without a held-out one.
    """
    splits = {sample.split for sample in iter_faces(source)}
    if len(splits) <= 1:
        return next(iter(splits), None)
    for split in (Split.PUBLIC_TEST, Split.PRIVATE_TEST):
        if split in splits:
            return split
    names = ", ".join(sorted(split or UNKNOWN_SPLIT for split in splits))
    raise DatasetError(f"{source}: holds the splits {names}; choose one of them")


def _no_faces(source: Path, split: Split | None) -> str:
    if split is None:
        return f"{source}: holds no faces"
    counts = Counter(sample.split or UNKNOWN_SPLIT for sample in iter_faces(source))
    held = ", ".join(f"{n_faces} of split {name}" for name, n_faces in sorted(counts.items()))
    return f"{source}: holds no faces of split {split}; it holds {held or 'no faces at all'}"


def _file_format(file: Path) -> SourceFormat:
    try:
        with file.open("rb") as stream:
            start = stream.read(len(fer2013_parquet.MAGIC))
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read: {error.strerror or error}") from error
    suffix = file.suffix.lower()
    if start == fer2013_parquet.MAGIC:
        return SourceFormat.PARQUET
    if suffix == ".csv" or fer2013_csv.has_csv_header(file):
        return SourceFormat.CSV
    if suffix in fer2013_parquet.SUFFIXES:
        return SourceFormat.PARQUET
    found = f"a file that starts with {start!r}" if start else "an empty file"
    raise DatasetError(f"{file}: is {found}; {_ACCEPTED}")


def _folder_format(folder: Path) -> tuple[SourceFormat, Path]:
    entries = visible_entries(folder)
    candidates = [
        (SourceFormat.CSV, entry)
        for entry in entries
        if entry.name.lower() in _CSV_NAMES and entry.is_file()
    ]
    if fer2013_parquet.parquet_files(folder):
        candidates.append((SourceFormat.PARQUET_FOLDER, folder))
    if class_folders.has_class_folders(folder):
        candidates.append((SourceFormat.CLASS_FOLDERS, folder))
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
        raise DatasetError(f"{folder}: a folder with {shown or 'nothing in it'}; {_ACCEPTED}")
    return candidates[0]
