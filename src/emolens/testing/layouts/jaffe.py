"""A writer of JAFFE: one folder of TIFF images that are named after subject and class."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from emolens.testing.layouts.files import write_lossless, write_text
from emolens.testing.layouts.samples import DrawnSample

_SUBJECTS = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")


def write_jaffe(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write the images and the README.

    Args:
        folder: The output folder.
        samples: Faces with JAFFE's codes, of at most ten subjects.

    Returns:
        The folder to read.
    """
    takes: Counter[tuple[int, str]] = Counter()
    for number, sample in enumerate(samples, start=1):
        takes[sample.subject, sample.code] += 1
        take = takes[sample.subject, sample.code]
        name = f"{_SUBJECTS[sample.subject]}.{sample.code}{take}.{number}.tiff"
        write_lossless(folder / name, sample.image)
    write_text(folder / "README_FIRST.txt", "The drawn images of nobody.\n")
    return folder
