"""The reader of AffectNet's release of cropped faces, with labels in NumPy files.

The label of `images/0.jpg` is in `annotations/0_exp.npy`: one number, or one number as text. The
files with valence, arousal and landmarks are not read. The data sheet is `affectnet.SHEET`.
"""

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split, Wanted, is_wanted
from emolens.datasets.folders import natural_key
from emolens.datasets.image_lists import listed_emotion
from emolens.datasets.images import read_gray
from emolens.datasets.readers.affectnet import SHEET
from emolens.datasets.reading import ReadingReport, read_each
from emolens.imaging.kinds import kind_by_name

_SPLITS = {"train_set": Split.TRAIN, "val_set": Split.VALIDATION}
_IMAGES, _ANNOTATIONS = "images", "annotations"
_LABEL_END = "_exp.npy"
# A label file has 132 bytes, mostly header.
_MAX_LABEL_BYTES = 1 << 10
# The errors that numpy raises for damaged files in tests.
_NUMPY_ERRORS = (
    *(ArithmeticError, EOFError, MemoryError, SyntaxError, SystemError, TypeError, ValueError),
    tokenize.TokenError,
)


def is_affectnet_annotations(folder: Path) -> bool:
    """Return whether a folder has images or annotations of AffectNet's cropped release."""
    return any(
        (folder / name / part).is_dir() for name in _SPLITS for part in (_IMAGES, _ANNOTATIONS)
    )


def iter_affectnet_annotations(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the faces of AffectNet's cropped release by split and number.

    Args:
        folder: The folder with `train_set/` and `val_set/`.
        split: The split to read, or all. Labels and images of other splits are not opened.
        report: Counts the faces that are left out, and damaged labels and images.

    Returns:
        An iterator over faces, uint8 (H, W), with the image as location.

    Raises:
        DatasetError: At once if a folder of images or annotations is missing; while iterating if
            an image or its label is missing or damaged.
    """
    roots = [(folder / name, one) for name, one in _SPLITS.items() if is_wanted(one, split)]
    for part in (root / name for root, _ in roots for name in (_IMAGES, _ANNOTATIONS)):
        if not part.is_dir():
            raise DatasetError(
                f"{part}: this folder of AffectNet's release is missing. Unpack the archive of "
                f"{part.parent.name} in {folder}."
            )
    report = report or ReadingReport()
    rows = (row for root, one in roots for row in _rows(root, one))

    def read(row: _Row) -> FaceSample | None:
        emotion = listed_emotion(SHEET, _read_label(row), str(row.label), report)
        if emotion is None:
            return None
        if not row.has_image:
            raise DatasetError(f"{row.label}: the image {row.image} is missing")
        return FaceSample(read_gray(row.image, str(row.label)), emotion, row.split, str(row.image))

    return read_each(rows, read, report)


@dataclass(frozen=True, slots=True)
class _Row:
    """A face with an image, a label or both."""

    image: Path
    has_image: bool
    label: Path
    split: Split


def _rows(root: Path, split: Split) -> Iterator[_Row]:
    images, annotations = root / _IMAGES, root / _ANNOTATIONS
    # Only names, because the folders have a million files.
    files = {Path(name).stem: name for name in _names(images) if kind_by_name(name) is not None}
    labelled = {
        name.removesuffix(_LABEL_END) for name in _names(annotations) if name.endswith(_LABEL_END)
    }
    for number in sorted(files.keys() | labelled, key=natural_key):
        yield _Row(
            images / files.get(number, f"{number}.jpg"),
            number in files,
            annotations / f"{number}{_LABEL_END}",
            split,
        )


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from (entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed: {error.strerror or error}") from error


def _read_label(row: _Row) -> str:
    try:
        with row.label.open("rb") as stream:
            content = stream.read(_MAX_LABEL_BYTES)
    except FileNotFoundError as error:
        raise DatasetError(f"{row.image}: the label {row.label} is missing") from error
    except OSError as error:
        raise DatasetError(f"{row.label}: cannot be read: {error.strerror or error}") from error
    try:
        # Never unpickle: a pickle can execute arbitrary code.
        label = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        return str(label.astype(np.str_).item()).strip()
    except _NUMPY_ERRORS as error:
        raise DatasetError(
            f"{row.label}: not a NumPy file (.npy, not pickled) with one number, also as text"
        ) from error
