"""CK+, the Extended Cohn-Kanade set, as it is passed around: 48 px faces in class folders.

Somebody cut these faces out of the last three frames of every labelled sequence. The sequences
themselves are read by `ck_plus_sequences`.
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
        "Workshops), after Kanade, Cohn and Tian 2000. Filmed people posed expressions; FACS "
        "coders checked that each labelled peak fits the emotion. Copies of the 48 px faces name "
        "no author; one says that OpenCV's face detector cut them out."
    ),
    terms=(
        "For non-commercial research only, under an agreement with the authors "
        "(http://www.jeffcohn.net/Resources/). That copies are passed around gives nobody a "
        "licence. Only some of the people shown agreed to be printed; pass none on."
    ),
    images="981 grey faces of 48 x 48 px: three frames of each of 327 sequences, 118 people",
    layout=(
        "CK+48/\n"
        "    anger/S010_004_00000017.png, ...\n"
        "    contempt/  disgust/  fear/  happy/  sadness/  surprise/   (neutral/, where one was "
        "added)"
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
        "It has none. Measure with the people of the test set unseen: the name of an image starts "
        "with the person's number."
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
        "Near copies: the three frames of a sequence look almost the same. Where they are split at "
        "random, figures near 100 % say nothing.",
        "Posed: peaks of expressions that were asked for, seen from the front, in a laboratory.",
        "Balance: a quarter of the faces are surprise, 8 % fear.",
    ),
)

_CLASS_OF = {one.name: one for one in SHEET.classes}


def is_ck_plus_48(folder: Path) -> bool:
    """Whether a folder has CK+'s class folders, each starting with an image named like a frame.

    A folder with a label map is none: its owner wants it read as that says.
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
        split: CK+ has no splits: asking for one gives nothing.
        report: Where faces of contempt are counted, and broken images if they may be skipped.

    Returns:
        An iterator over faces of uint8 (H, W) with subjects, located by file.

    Raises:
        DatasetError: At once where a folder is none of CK+'s classes; while iterating where an
            image is broken or has another name.
    """
    report = report or ReadingReport()
    folders = [entry for entry in visible_entries(folder) if entry.is_dir()]
    for entry in folders:
        if entry.name.lower() not in _CLASS_OF:
            raise DatasetError(
                f"{entry}: is no class of CK+; expected {', '.join(_CLASS_OF)}; move it away"
            )
        for inner in visible_entries(entry):
            if inner.is_dir():
                raise DatasetError(
                    f"{inner}: is a folder inside the class folder {entry.name!r}; "
                    "images must lie directly in their class folder"
                )
    if split is not None:
        return iter(())

    def read(file: Path) -> FaceSample | None:
        named = FRAME_NAME.fullmatch(file.stem)
        if not named:
            raise DatasetError(
                f"{file}: is not named like S010_004_00000017.png, so nobody knows whom it shows; "
                "move it away"
            )
        one = _CLASS_OF[file.parent.name.lower()]
        if one.emotion is None:
            report.leave_out(one.name)
            return None
        subject = named["subject"].upper()
        return FaceSample(read_gray(file), one.emotion, None, str(file), subject=subject)

    files = (file for entry in folders for file in image_files(entry))
    return read_each(files, read, report)
