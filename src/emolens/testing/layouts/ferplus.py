"""Writes FER+: its list beside FER2013's CSV, or beside the image files made from that."""

from collections.abc import Sequence
from pathlib import Path

from emolens.core.errors import InputError
from emolens.datasets.faces import Split
from emolens.datasets.readers.fer2013_usage import USAGES
from emolens.datasets.readers.ferplus import COLUMNS, FACE_FOLDERS, LIST_NAME, SHEET
from emolens.datasets.votes import NOT_FACE, VOTE_NAMES, vote_columns
from emolens.testing.layouts.files import write_lossless, write_text
from emolens.testing.layouts.samples import DrawnSample

_ANSWERS = COLUMNS[2:]
_N_RATERS = 10


def write_ferplus(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write FER+'s list and FER2013's CSV.

    Args:
        folder: Where to.
        samples: Faces of 48 x 48 px with FER2013's numbers as codes, row by row.

    Returns:
        The folder.
    """
    rows = [
        f"{sample.code},{' '.join(map(str, sample.image.ravel()))},{USAGES[_split(sample)]}\n"
        for sample in samples
    ]
    write_text(folder / "fer2013.csv", "emotion,pixels,Usage\n" + "".join(rows))
    answers = [int(vote_columns()[int(sample.code)]) for sample in samples]
    _write_list(folder, samples, answers)
    return folder


def write_ferplus_images(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write FER+'s list and its three image folders.

    Args:
        folder: Where to.
        samples: Faces with the names of FER+'s columns as codes, row by row; one of code `NF` gets
            no image.

    Returns:
        The folder.
    """
    for name in FACE_FOLDERS.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    answers = [_ANSWERS.index(sample.code) for sample in samples]
    names = _write_list(folder, samples, answers)
    for sample, name in zip(samples, names, strict=True):
        if name:
            write_lossless(folder / FACE_FOLDERS[_split(sample)] / name, sample.image)
    return folder


def _write_list(folder: Path, samples: Sequence[DrawnSample], answers: Sequence[int]) -> list[str]:
    """Write the list and give the names of the images, empty where there is none."""
    names = [
        "" if answer == NOT_FACE else f"fer{row:07d}.png" for row, answer in enumerate(answers)
    ]
    lines = [
        f"{USAGES[_split(sample)]},{name},{','.join(map(str, _votes(answer)))}"
        for sample, name, answer in zip(samples, names, answers, strict=True)
    ]
    write_text(folder / LIST_NAME, "\n".join([",".join(COLUMNS), *lines, ""]))
    return names


def _votes(answer: int) -> list[int]:
    """Ten votes: most for one answer, some for the next, as raters disagree; all for no face."""
    counts = [0] * len(VOTE_NAMES)
    doubts = 0 if answer == NOT_FACE else 3
    counts[answer] = _N_RATERS - doubts
    counts[(answer + 1) % NOT_FACE] += doubts
    return counts


def _split(sample: DrawnSample) -> Split:
    if sample.split is None:
        raise InputError(f"every face of {SHEET.name} has a split")
    return sample.split
