"""Writers of both releases of AffectNet's manually annotated part."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emolens.datasets.faces import Split
from emolens.testing.layouts.files import write_jpeg, write_text
from emolens.testing.layouts.samples import DrawnSample

_HEADER = (
    *("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height"),
    *("facial_landmarks", "expression", "valence", "arousal"),
)
_MARGIN_PX = 16
_N_LANDMARKS = 68
_LANDMARKS = ";".join(["20.5"] * 2 * _N_LANDMARKS)


def write_affectnet_lists(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write the two lists, the second without header, and images with a margin around the face.

    Args:
        folder: The output folder.
        samples: Faces with AffectNet's codes, of `Split.TRAIN` and `Split.VALIDATION`. The
            images are in the subfolders `1/` (training) and `2/` (validation).

    Returns:
        The folder to read.
    """
    lists = folder / "Manually_Annotated_file_lists"
    for directory, name, split in (
        ("1", "training", Split.TRAIN),
        ("2", "validation", Split.VALIDATION),
    ):
        text = io.StringIO()
        rows = csv.writer(text)
        if split is Split.TRAIN:
            rows.writerow(_HEADER)
        for index, sample in enumerate(one for one in samples if one.split is split):
            file = f"{directory}/{index:056x}.jpg"
            image = np.pad(sample.image, _MARGIN_PX, mode="edge")
            write_jpeg(folder / "Manually_Annotated_Images" / file, image)
            side = len(sample.image)
            box = (_MARGIN_PX, _MARGIN_PX, side, side)
            rows.writerow((file, *box, _LANDMARKS, sample.code, "0.25", "-0.5"))
        write_text(lists / f"{name}.csv", text.getvalue())
    return folder


def write_affectnet_annotations(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write `train_set/` and `val_set/`, numbered from 0, with all four annotations of each face.

    Args:
        folder: The output folder.
        samples: Faces with AffectNet's codes, of `Split.TRAIN` and `Split.VALIDATION`.

    Returns:
        The folder to read.
    """
    numbers: Counter[Split | None] = Counter()
    for sample in samples:
        root = folder / ("train_set" if sample.split is Split.TRAIN else "val_set")
        number = numbers[sample.split]
        numbers[sample.split] += 1
        write_jpeg(root / "images" / f"{number}.jpg", sample.image)
        annotations = root / "annotations"
        annotations.mkdir(exist_ok=True)
        # The release stores single numbers as text.
        np.save(annotations / f"{number}_exp.npy", np.array(sample.code))
        np.save(annotations / f"{number}_val.npy", np.array("0.25"))
        np.save(annotations / f"{number}_aro.npy", np.array("-0.5"))
        np.save(annotations / f"{number}_lnd.npy", np.full(2 * _N_LANDMARKS, 20.5))
    return folder
