"""A writer of class folders with other names, and of their label map."""

from collections.abc import Sequence
from pathlib import Path

from emolens.datasets.faces import Split
from emolens.datasets.label_map import FILE_NAME, LEAVE_OUT
from emolens.testing.layouts.files import write_lossless, write_text
from emolens.testing.layouts.samples import DrawnSample

_SPLIT_FOLDERS = {
    Split.TRAIN: "fold1",
    Split.VALIDATION: "fold2",
    Split.TEST: "fold3",
    None: "",
}


def write_class_folders(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write a folder per code within a folder per split, and their label map.

    Args:
        folder: The output folder.
        samples: Faces, all with or all without a split.

    Returns:
        The folder to read.
    """
    for number, sample in enumerate(samples):
        place = folder / _SPLIT_FOLDERS[sample.split] / sample.code
        write_lossless(place / f"{number}.png", sample.image)
    classes = {
        sample.code: LEAVE_OUT if sample.emotion is None else sample.emotion.label
        for sample in samples
    }
    splits = {
        _SPLIT_FOLDERS[split]: split.value
        for split in dict.fromkeys(sample.split for sample in samples)
        if split is not None
    }
    sections = [("classes", classes), ("splits", splits)]
    text = "\n".join(
        f"[{name}]\n" + "".join(f'"{key}" = "{value}"\n' for key, value in entries.items())
        for name, entries in sections
    )
    write_text(folder / FILE_NAME, text)
    return folder
