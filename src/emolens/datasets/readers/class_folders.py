"""A folder of class folders: the label of an image is the name of its folder.

The layouts, where `happy` stands for every class::

    root/train/happy/*.jpg    root/test/happy/*.jpg    root/validation/happy/*.jpg
    root/happy/*.jpg                                   (no splits)

The widespread JPEG copy of FER2013 keeps PublicTest and PrivateTest together in `test/` and tells
them apart by file name (`PublicTest_123.jpg`); such a name wins over the folder.

Which files count as images, `emolens.imaging.listing` says; the others are left out and counted,
and so are images outside a class folder: without a label they are no part of the data set. A
folder whose name is neither a split nor a class is refused, because its faces would be missing
without a word; so is a link to a folder that is gone.
`folder_labels` says what a name means; for numbers in another order than FER2013's, and for other
names, `label_map.toml` says what the folders are: see `label_map`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split, Wanted, is_wanted
from emolens.datasets.folder_labels import is_class_name, label_folders
from emolens.datasets.folders import image_files, natural_key, visible_entries
from emolens.datasets.images import read_gray
from emolens.datasets.label_map import FILE_NAME, LabelMap, read_label_map
from emolens.datasets.readers.fer2013_usage import SPLITS
from emolens.datasets.reading import ReadingReport, read_each
from emolens.imaging.listing import LeftOut, is_broken_link

LAYOUTS = (
    "class folders inside split folders (train/happy/*.jpg, validation/..., test/...) "
    "or class folders alone (happy/*.jpg)"
)
_SPLIT_FILE_NAME = re.compile(rf"({'|'.join(SPLITS)})_[0-9]+\.")


@dataclass(frozen=True, slots=True)
class _ClassFolder:
    path: Path
    emotion: Emotion | None
    split: Split | None


def has_class_folders(root: Path) -> bool:
    """Whether a folder has a label map, or a subfolder named like a split or a class."""
    return (root / FILE_NAME).is_file() or any(
        _known_split(folder.name) is not None or is_class_name(folder.name)
        for folder in _subfolders(root)
    )


def iter_class_folders(
    root: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the images of class folders, by split, class and file name in natural order.

    Args:
        root: A folder in one of the layouts of this module.
        split: Only the faces of this split, or all; images of other splits are not opened.
        report: Where images of classes are counted that a label map leaves out, and broken
            images if they may be skipped; and where it is told in whose order numbers were read.

    Returns:
        An iterator over faces of uint8 (H, W) in each image's own size, located by file.

    Raises:
        DatasetError: No class folders, an unknown or nested folder, a label map that is broken or
            names a folder that is not there (at once), or an image that cannot be read (when its
            turn comes).
    """
    report = report or ReadingReport()
    folders = _find_class_folders(root, report)
    rows = _list_images(root, folders, split, report)
    return read_each(rows, lambda image: _read_image(image, report), report)


@dataclass(frozen=True, slots=True)
class _Image:
    path: Path
    emotion: Emotion | None
    split: Split | None


def _list_images(
    root: Path, folders: list[_ClassFolder], split: Wanted, report: ReadingReport
) -> Iterator[_Image]:
    left_out = LeftOut()
    for folder in folders:
        for file in _images(folder.path, left_out):
            named = _SPLIT_FILE_NAME.match(file.name)
            file_split = SPLITS[named[1]] if named else folder.split
            if is_wanted(file_split, split):
                yield _Image(file, folder.emotion, file_split)
    if left_out.warning:
        report.warn(f"{root}: {left_out.warning}")
    places = sorted({root, *(folder.path.parent for folder in folders)})
    n_outside = sum(1 for place in places for _ in image_files(place))
    if n_outside:
        report.warn(f"{root}: left out {n_outside:,} images outside the class folders")


def _read_image(image: _Image, report: ReadingReport) -> FaceSample | None:
    if image.emotion is None:
        report.leave_out(image.path.parent.name)
        return None
    return FaceSample(read_gray(image.path), image.emotion, image.split, str(image.path))


def _find_class_folders(root: Path, report: ReadingReport) -> list[_ClassFolder]:
    labels = read_label_map(root)
    parents = [(folder, _split_of(folder.name, labels)) for folder in _subfolders(root)]
    split_parents = [(folder, split) for folder, split in parents if split is not None]
    if split_parents and len(split_parents) != len(parents):
        strange = next(folder for folder, split in parents if split is None)
        raise DatasetError(
            f"{root}: folder {strange.name!r} stands beside split folders "
            f"({', '.join(folder.name for folder, _ in split_parents)}) but is no split; "
            "move it away, name the folder that should be read, or say below [splits] in "
            f"{labels.file} which split it is"
        )
    places: list[tuple[Path, Split | None]] = [*split_parents] or [(root, None)]
    for place in {root, *(folder for folder, _ in places)}:
        _refuse_broken_links(place)
    splits = {folder: split for parent, split in places for folder in _subfolders(parent)}
    if not splits:
        raise DatasetError(f"{root}: has no class folders; expected {LAYOUTS}")
    emotions = label_folders(list(splits), labels, report)
    found = [_ClassFolder(folder, emotions[folder], split) for folder, split in splits.items()]
    _refuse_unused(labels, parents=[folder for folder, _ in parents], folders=found)
    return sorted(found, key=_folder_order)


def _folder_order(folder: _ClassFolder) -> tuple[int, int, tuple[str, str]]:
    # Splits in the order of the official CSV, whatever their folders are called.
    split = -1 if folder.split is None else list(Split).index(folder.split)
    emotion = N_EMOTIONS if folder.emotion is None else folder.emotion
    return split, emotion, natural_key(str(folder.path))


def _subfolders(folder: Path) -> list[Path]:
    return [entry for entry in visible_entries(folder) if entry.is_dir()]


def _refuse_broken_links(folder: Path) -> None:
    for entry in visible_entries(folder):
        if not entry.suffix and is_broken_link(entry):
            raise DatasetError(
                f"{entry}: is a link to {str(entry.readlink())!r}, which does not exist; "
                "mend or delete the link"
            )


def _split_of(name: str, labels: LabelMap) -> Split | None:
    entry = labels.split_entry(name)
    return _known_split(name) if entry is None else labels.splits[entry]


def _known_split(name: str) -> Split | None:
    try:
        return Split.from_name(name)
    except DatasetError:
        return None


def _refuse_unused(labels: LabelMap, *, parents: list[Path], folders: list[_ClassFolder]) -> None:
    """A name that no folder has is a slip of the pen, and its faces would be missing or wrong."""
    used_classes = {labels.class_entry(folder.path.name) for folder in folders}
    used_splits = {labels.split_entry(folder.name) for folder in parents}
    unused = [*(labels.classes.keys() - used_classes), *(labels.splits.keys() - used_splits)]
    if unused:
        raise DatasetError(
            f"{labels.file}: names {', '.join(map(repr, sorted(unused)))}, but there is no such "
            "folder; correct the name or take the line out"
        )


def _images(folder: Path, left_out: LeftOut) -> Iterator[Path]:
    for entry in visible_entries(folder):
        if entry.is_dir():
            raise DatasetError(
                f"{entry}: is a folder inside the class folder {folder.name!r}; "
                "images must lie directly in their class folder"
            )
    yield from image_files(folder, left_out)
