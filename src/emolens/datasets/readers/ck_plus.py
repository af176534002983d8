"""The reader of CK+48, a common derivative of the Extended Cohn-Kanade set (CK+).

CK+48 has 48 px faces in class folders, cropped from the last three frames of every labelled
sequence. `ck_plus_sequences` reads the sequences themselves.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Wanted
from emolens.datasets.folders import image_files, visible_entries
from emolens.datasets.images import read_gray
from emolens.datasets.label_map import FILE_NAME
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.sheet import DataSheet, SourceClass

FRAME_NAME = re.compile(r"(?P<subject>S[0-9]{3})_[0-9]{3}_[0-9]{8}", re.IGNORECASE | re.ASCII)
"""Subject, sequence and frame, as in `S010_004_00000017`."""

SHEET = DataSheet(
    name="CK+ (48 px faces)",
    origin=(
        "Lucey, Cohn, Kanade, Saragih, Ambadar and Matthews 2010, The Extended Cohn-Kanade Dataset "
        "(CK+): A complete dataset for action unit and emotion-specified expression (CVPR "
        "Workshops), after Kanade, Cohn and Tian 2000. The subjects were filmed posing "
        "expressions; FACS coders checked that each labelled peak matches the emotion. The author "
        "of the 48 px faces is unknown; one copy states that OpenCV's face detector was used."
    ),
    terms=(
        "For non-commercial research only, under an agreement with the authors "
        "(http://www.jeffcohn.net/Resources/). Copies found elsewhere do not grant a licence. "
        "Only some of the subjects consented to publication; do not redistribute the images."
    ),
    images="981 grey faces of 48 x 48 px: three frames of each of 327 sequences, 118 subjects",
    layout=(
        "CK+48/\n"
        "    anger/S010_004_00000017.png, ...\n"
        "    contempt/  disgust/  fear/  happy/  sadness/  surprise/   (neutral/ in some "
        "copies)"
    ),
    classes=(
        SourceClass("0", "neutral", Emotion.NEUTRAL),
        SourceClass("1", "anger", Emotion.ANGRY),
        SourceClass("2", "contempt", None),
        SourceClass("3", "disgust", Emotion.DISGUST),
        SourceClass("4", "fear", Emotion.FEAR),
        SourceClass("5", "happy", Emotion.HAPPY),
        SourceClass("6", "sadness", Emotion.SAD),
        SourceClass("7", "surprise", Emotion.SURPRISE),
    ),
    rule="Contempt is left out. There are no neutral faces.",
    splits=(
        "None. Split by subject, so that no subject is in both training and test. The file name "
        "starts with the number of the subject."
    ),
    counts={
        "unknown": {
            "anger": 135,
            "contempt": 54,
            "disgust": 177,
            "fear": 75,
            "happy": 207,
            "sadness": 84,
            "surprise": 249,
        }
    },
    known_issues=(
        "Near-duplicates: the three frames of a sequence are almost identical. With random splits, "
        "an accuracy near 100 % is meaningless.",
        "Posed: the images show peaks of posed expressions, from the front, in a laboratory.",
        "Balance: a quarter of the faces are surprise and 8 % fear.",
    ),
)

_CLASS_OF = {one.name: one for one in SHEET.classes}


def is_ck_plus_48(folder: Path) -> bool:
    """Return whether a folder has CK+'s class folders with images named like frames.

    A folder with a label map is read as class folders instead.
    """
    if (folder / FILE_NAME).exists() or not any((folder / name).is_dir() for name in _CLASS_OF):
        return False
    folders = [entry for entry in visible_entries(folder) if entry.is_dir()]
    firsts = [next(image_files(entry), None) for entry in folders]
    named = [bool(FRAME_NAME.fullmatch(first.stem)) for first in firsts if first]
    return all(entry.name.lower() in _CLASS_OF for entry in folders) and named != [] and all(named)


def iter_ck_plus_48(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the faces of CK+'s class folders, by folder and file name in natural order.

    Args:
        folder: The folder of the class folders.
        split: The split to read, or all. CK+ has no splits, so any split is empty.
        report: Counts faces of contempt and damaged images.

    Returns:
        An iterator over faces, uint8 (H, W), with subjects and the file as location.

    Raises:
        DatasetError: At once if a folder is not a class of CK+; while iterating if an image is
            damaged or has another name.
    """
    report = report or ReadingReport()
    folders = [entry for entry in visible_entries(folder) if entry.is_dir()]
    for entry in folders:
        if entry.name.lower() not in _CLASS_OF:
            raise DatasetError(
                f"{entry}: not a class of CK+; expected {', '.join(_CLASS_OF)}. Move it away."
            )
        for inner in visible_entries(entry):
            if inner.is_dir():
                raise DatasetError(
                    f"{inner}: is a folder inside the class folder {entry.name!r}; "
                    "images must be directly in their class folder"
                )
    if split is not None:
        return iter(())

    def read(file: Path) -> FaceSample | None:
        named = FRAME_NAME.fullmatch(file.stem)
        if not named:
            raise DatasetError(
                f"{file}: the file name does not identify the subject; expected a name like "
                "S010_004_00000017.png. Rename or move the file."
            )
        one = _CLASS_OF[file.parent.name.lower()]
        if one.emotion is None:
            report.leave_out(one.name)
            return None
        subject = named["subject"].upper()
        return FaceSample(read_gray(file), one.emotion, None, str(file), subject=subject)

    files = (file for entry in folders for file in image_files(entry))
    return read_each(files, read, report)
