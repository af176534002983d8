"""JAFFE, the Japanese Female Facial Expression set, as its authors give it out.

One folder of images; the name of each tells who is shown and how she looks.
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
        "Taken at Kyushu University: each of ten women posed every expression several times; 60 "
        "people in Japan rated the images."
    ),
    terms=(
        "For non-commercial scientific research only, on request "
        "(https://zenodo.org/record/3451524), with the paper cited; images may not be passed "
        "on."
    ),
    images=(
        "213 grey images of 256 x 256 px, uncompressed TIFF: heads from the front with hair and "
        "neck, a wider framing than FER2013's. They are given whole; cut them out like any other "
        "image before they are judged."
    ),
    layout=(
        "jaffe/\n"
        "    KA.AN1.39.tiff, KA.AN2.40.tiff, ...   (person . class and take . number)\n"
        "    README_FIRST.txt and the like are not read"
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
    rule="All seven classes are ours: the posed expression, not what the 60 raters saw in it.",
    splits="It has none. Measure with the people of the test set unseen.",
    counts={},
    known_issues=(
        "Small and uniform: ten women of one country, posed, one room and light.",
        "Labels: the class is what was posed; the raters' means in the README can favour another.",
        "Names: the numbers are not unique in every copy, and are not used here.",
    ),
)

# Takes and numbers are loose in copies; person and class are what is needed.
_NAME = re.compile(r"(?P<subject>[A-Z]{2})\.(?P<code>[A-Z]{2})[0-9]*(\.[0-9]+)?", re.ASCII)
_CODES = frozenset(one.code for one in SHEET.classes)


def is_jaffe(folder: Path) -> bool:
    """Whether a folder holds images that are named like JAFFE's."""
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
        split: JAFFE has no splits: asking for one gives nothing.
        report: Where broken images and names are counted if they may be skipped.

    Returns:
        An iterator over images of uint8 (256, 256) with subjects, located by file.

    Raises:
        DatasetError: While iterating where an image is broken or named in another way.
    """
    if split is not None:
        return iter(())
    report = report or ReadingReport()
    return read_each(image_files(folder), lambda file: _read_image(file, report), report)


def _read_image(file: Path, report: ReadingReport) -> FaceSample | None:
    named = _NAME.fullmatch(file.stem.upper())
    if not named:
        raise DatasetError(
            f"{file}: is not named like KA.AN1.39.tiff (person, class and take, number); "
            "rename it or move it away"
        )
    emotion = listed_emotion(SHEET, named["code"], str(file), report)
    if emotion is None:
        return None
    return FaceSample(read_gray(file), emotion, None, str(file), subject=named["subject"])
