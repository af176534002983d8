"""The reader of JAFFE, the Japanese Female Facial Expression set.

JAFFE is one folder of images. The file name contains the subject and the class.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Wanted
from emolens.datasets.folders import image_files
from emolens.datasets.image_lists import listed_emotion
from emolens.datasets.images import read_gray
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.sheet import DataSheet, SourceClass

SHEET = DataSheet(
    name="JAFFE",
    origin=(
        "Lyons, Akamatsu, Kamachi and Gyoba 1998, Coding Facial Expressions with Gabor Wavelets "
        "(Automatic Face and Gesture Recognition; open at https://zenodo.org/record/3430156). "
        "Photographed at Kyushu University: each of ten women posed every expression several "
        "times. 60 raters in Japan rated the images."
    ),
    terms=(
        "For non-commercial scientific research only, on request "
        "(https://zenodo.org/record/3451524). Cite the paper. The images may not be "
        "redistributed."
    ),
    images=(
        "213 grey images of 256 x 256 px, uncompressed TIFF. They show heads from the front with "
        "hair and neck, in a wider framing than FER2013's. The reader does not crop them; detect "
        "and crop the faces before classifying them."
    ),
    layout=(
        "jaffe/\n"
        "    KA.AN1.39.tiff, KA.AN2.40.tiff, ...   (subject . class and take . number)\n"
        "    README_FIRST.txt and other files are not read"
    ),
    classes=(
        SourceClass("AN", "angry", Emotion.ANGRY),
        SourceClass("DI", "disgust", Emotion.DISGUST),
        SourceClass("FE", "fear", Emotion.FEAR),
        SourceClass("HA", "happy", Emotion.HAPPY),
        SourceClass("NE", "neutral", Emotion.NEUTRAL),
        SourceClass("SA", "sad", Emotion.SAD),
        SourceClass("SU", "surprise", Emotion.SURPRISE),
    ),
    rule=(
        "All seven classes are those of emolens. The label is the posed expression, not the "
        "ratings."
    ),
    splits="None. Split by subject, so that no subject is in both training and test.",
    counts={},
    known_issues=(
        "Diversity: ten women of one country, posed, in one room and light.",
        "Labels: the label is the posed expression. The mean ratings in the README may favour "
        "another class.",
        "Names: in some copies the numbers are not unique. They are not used here.",
    ),
)

# Some copies have irregular takes and numbers; only subject and class are required.
_NAME = re.compile(r"(?P<subject>[A-Z]{2})\.(?P<code>[A-Z]{2})[0-9]*(\.[0-9]+)?", re.ASCII)
_CODES = frozenset(one.code for one in SHEET.classes)


def is_jaffe(folder: Path) -> bool:
    """Return whether a folder has images that are named like JAFFE's."""
    return any(
        (named := _NAME.fullmatch(file.stem.upper())) and named["code"] in _CODES
        for file in image_files(folder)
    )


def iter_jaffe(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read JAFFE's images by file name in natural order.

    Args:
        folder: The folder of the images.
        split: The split to read, or all. JAFFE has no splits, so any split is empty.
        report: Counts images with damaged content or names.

    Returns:
        An iterator over images, uint8 (256, 256), with subjects and the file as location.

    Raises:
        DatasetError: While iterating, if an image is damaged or has another name.
    """
    if split is not None:
        return iter(())
    report = report or ReadingReport()
    return read_each(image_files(folder), lambda file: _read_image(file, report), report)


def _read_image(file: Path, report: ReadingReport) -> FaceSample | None:
    named = _NAME.fullmatch(file.stem.upper())
    if not named:
        raise DatasetError(
            f"{file}: the file name does not have the form KA.AN1.39.tiff (subject, class and "
            "take, number). Rename or move the file."
        )
    emotion = listed_emotion(SHEET, named["code"], str(file), report)
    if emotion is None:
        return None
    return FaceSample(read_gray(file), emotion, None, str(file), subject=named["subject"])
