"""Writers of FER+: its list with FER2013's CSV, or with image files."""

from collections.abc import Sequence
from pathlib import Path

from emolens.core.errors import InputError
from emolens.datasets.faces import Split
from emolens.datasets.readers.fer2013_usage import USAGES
from emolens.datasets.readers.ferplus import COLUMNS, FACE_FOLDERS, LIST_NAME, SHEET
from emolens.datasets.votes import NOT_FACE, VOTE_NAMES, vote_columns
from emolens.testing.layouts.files import write_lossless, write_text
from emolens.testing.layouts.samples import DrawnSample

_CLASSES = COLUMNS[2:]
_N_RATERS = 10


def write_ferplus(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write FER+'s list and FER2013's CSV.

    Args:
        folder: The output folder.
        samples: Faces of 48 x 48 px with FER2013's numbers as codes, row by row.

    Returns:
        The folder to read.
    """
    rows = [
        f"{sample.code},{' '.join(map(str, sample.image.ravel()))},{USAGES[_split(sample)]}\n"
        for sample in samples
    ]
    write_text(folder / "fer2013.csv", "emotion,pixels,Usage\n" + "".join(rows))
    majorities = [int(vote_columns()[int(sample.code)]) for sample in samples]
    _write_list(folder, samples, majorities)
    return folder


def write_ferplus_images(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write FER+'s list and its three image folders.

    Args:
        folder: The output folder.
        samples: Faces with the names of FER+'s columns as codes, row by row. A face with the code
            `NF` has no image.

    Returns:
        The folder to read.
    """
    for name in FACE_FOLDERS.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    majorities = [_CLASSES.index(sample.code) for sample in samples]
    names = _write_list(folder, samples, majorities)
    for sample, name in zip(samples, names, strict=True):
        if name:
            write_lossless(folder / FACE_FOLDERS[_split(sample)] / name, sample.image)
    return folder


def _write_list(
    folder: Path, samples: Sequence[DrawnSample], majorities: Sequence[int]
) -> list[str]:
    """Write the list and return the names of the images, empty for faces without one."""
    names = [
        "" if majority == NOT_FACE else f"fer{row:07d}.png"
        for row, majority in enumerate(majorities)
    ]
    lines = [
        f"{USAGES[_split(sample)]},{name},{','.join(map(str, _votes(majority)))}"
        for sample, name, majority in zip(samples, names, majorities, strict=True)
    ]
    write_text(folder / LIST_NAME, "\n".join([",".join(COLUMNS), *lines, ""]))
    return names


def _votes(majority: int) -> list[int]:
    """Return ten votes: all for "not a face", else seven for the majority and three for another."""
    counts = [0] * len(VOTE_NAMES)
    n_others = 0 if majority == NOT_FACE else 3
    counts[majority] = _N_RATERS - n_others
    counts[(majority + 1) % NOT_FACE] += n_others
    return counts


def _split(sample: DrawnSample) -> Split:
    if sample.split is None:
        raise InputError(f"a sample has no split; every face of {SHEET.name} needs one")
    return sample.split
