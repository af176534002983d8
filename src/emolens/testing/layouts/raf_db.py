"""A writer of RAF-DB's basic set."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from emolens.datasets.faces import Split
from emolens.testing.layouts.files import write_jpeg, write_text
from emolens.testing.layouts.samples import DrawnSample


def write_raf_db(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write `basic/` with its list and aligned images.

    Args:
        folder: The output folder.
        samples: Faces with RAF-DB's codes, of `Split.TRAIN` and `Split.TEST`.

    Returns:
        The folder to read.
    """
    basic = folder / "basic"
    numbers: Counter[Split | None] = Counter()
    rows = []
    for sample in samples:
        numbers[sample.split] += 1
        # RAF-DB numbers training images with five digits and test images with four.
        is_training = sample.split is Split.TRAIN
        kind, n_digits = ("train", 5) if is_training else ("test", 4)
        name = f"{kind}_{numbers[sample.split]:0{n_digits}}"
        write_jpeg(basic / "Image" / "aligned" / f"{name}_aligned.jpg", sample.image)
        rows.append(f"{name}.jpg {sample.code}\n")
    write_text(basic / "EmoLabel" / "list_patition_label.txt", "".join(rows))
    return folder
