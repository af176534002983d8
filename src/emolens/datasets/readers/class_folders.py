"""The reader of class folders: the label of an image is the name of its folder.

The layouts, with `happy` as an example of a class::

    root/train/happy/*.jpg    root/test/happy/*.jpg    root/validation/happy/*.jpg
    root/happy/*.jpg                                   (no splits)

The common JPEG copy of FER2013 has PublicTest and PrivateTest together in `test/` and distinguishes
them by file name (`PublicTest_123.jpg`). The file name takes precedence over the folder.

`emolens.imaging.listing` defines the files that count as images. Other files are left out and
counted, as are images outside the class folders, which have no label. A folder whose name is
neither a split nor a class raises an error, because its faces would be missing silently. So does a
link to a missing folder. `folder_labels` determines the class of a name. Other names, and numbers
in another order than FER2013's, require a `label_map.toml`: see `label_map`.
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
    """Return whether a folder has a label map, or a subfolder named like a split or a class."""
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
        split: The split to read, or all. Images of other splits are not opened.
        report: Counts images that the label map leaves out and damaged images, and receives a
            warning on the order of numbers.

    Returns:
        An iterator over faces, uint8 (H, W), in the size of each image, with the file as location.

    Raises:
        DatasetError: At once if there are no class folders, a folder is unknown or nested, or the
            label map is damaged or lists a missing folder; while iterating if an image is damaged.
    """
    report = report or ReadingReport()
    folders = _find_class_folders(root, report)
    rows = _list_images(root, folders, split, report)
    return read_each(rows, lambda image: _read_image(image, report), report)


def split_folders(root: Path, split: Split) -> tuple[str, ...]:
    """List the names of the folders whose images belong to a split."""
    labels = read_label_map(root)
    folders = _subfolders(root)
    return tuple(folder.name for folder in folders if _split_of(folder.name, labels) is split)


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
        unknown = next(folder for folder, split in parents if split is None)
        raise DatasetError(
            f"{root}: the folder {unknown.name!r} is not a split, unlike "
            f"{', '.join(folder.name for folder, _ in split_parents)}. Move it away, use the path "
            f"of one folder, or assign it a split below [splits] in {labels.file}."
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
    # Splits in the order of the official CSV, whatever the names of their folders.
    split = -1 if folder.split is None else list(Split).index(folder.split)
    emotion = N_EMOTIONS if folder.emotion is None else folder.emotion.index
    return split, emotion, natural_key(str(folder.path))


def _subfolders(folder: Path) -> list[Path]:
    return [entry for entry in visible_entries(folder) if entry.is_dir()]


def _refuse_broken_links(folder: Path) -> None:
    for entry in visible_entries(folder):
        if not entry.suffix and is_broken_link(entry):
            raise DatasetError(
                f"{entry}: is a link to {str(entry.readlink())!r}, which does not exist. "
                "Repair or delete the link."
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
    """Refuse names without a folder: misspelt names would leave faces out or mislabel them."""
    used_classes = {labels.class_entry(folder.path.name) for folder in folders}
    used_splits = {labels.split_entry(folder.name) for folder in parents}
    unused = [*(labels.classes.keys() - used_classes), *(labels.splits.keys() - used_splits)]
    if unused:
        raise DatasetError(
            f"{labels.file}: lists {', '.join(map(repr, sorted(unused)))}, but there is no such "
            "folder. Correct the name or remove the line."
        )


def _images(folder: Path, left_out: LeftOut) -> Iterator[Path]:
    for entry in visible_entries(folder):
        if entry.is_dir():
            raise DatasetError(
                f"{entry}: is a folder inside the class folder {folder.name!r}; "
                "images must be directly in their class folder"
            )
    yield from image_files(folder, left_out)
