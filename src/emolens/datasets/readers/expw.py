"""ExpW, Expression in-the-Wild: images of scenes, and a list with the box and class of each face.

An image may show several faces; each has a line of its own in the list, and the square around its
box is cut out when it is read.
"""

from collections.abc import Iterator
from pathlib import Path

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Wanted
from emolens.datasets.image_lists import (
    face_box,
    image_path,
    listed_emotion,
    numbered_lines,
    shown,
)
from emolens.datasets.images import read_gray_box
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.sheet import DataSheet, SourceClass

SHEET = DataSheet(
    name="ExpW",
    origin=(
        "Zhang, Luo, Loy and Tang 2018, From Facial Expression Recognition to Interpersonal "
        "Relation Prediction (International Journal of Computer Vision 126; arXiv:1609.06426). "
        "Images from Google's image search; each face was found by a detector and labelled by "
        "hand, and what is no face was taken out."
    ),
    terms=(
        "Given out for research by its authors' group "
        "(http://mmlab.ie.cuhk.edu.hk/projects/socialrelation/index.html); read the terms there. "
        "The rights in the images stay with their owners."
    ),
    images=(
        "91,793 faces in colour images of any size; the square around the box of each face is "
        "cut out and read as grey."
    ),
    layout=(
        "label/label.lst          (lines: name of image, number of face, top, left, right and\n"
        "                          bottom of its box, confidence of the box, label)\n"
        "image/origin/*.jpg\n"
        "label.lst and origin/ may also lie side by side, and all of it in a folder data/."
    ),
    classes=(
        SourceClass("0", "angry", Emotion.ANGRY),
        SourceClass("1", "disgust", Emotion.DISGUST),
        SourceClass("2", "fear", Emotion.FEAR),
        SourceClass("3", "happy", Emotion.HAPPY),
        SourceClass("4", "sad", Emotion.SAD),
        SourceClass("5", "surprise", Emotion.SURPRISE),
        SourceClass("6", "neutral", Emotion.NEUTRAL),
    ),
    rule=(
        "All seven classes are ours. Every listed face is read, however confident its box; a face "
        "that is listed twice is read twice."
    ),
    splits="It has none: a recipe that needs parts makes them.",
    counts={
        "unknown": {
            "angry": 3671,
            "disgust": 3995,
            "fear": 1088,
            "happy": 30537,
            "sad": 10559,
            "surprise": 7060,
            "neutral": 34883,
        }
    },
    known_issues=(
        "Balance: 38 % of the faces are neutral and 33 % happy, 1.2 % show fear.",
        "The faces of an image, and images of one person, are not kept together by any split.",
    ),
)

_LISTS = (Path("label", "label.lst"), Path("label.lst"))
_IMAGES = (Path("image", "origin"), Path("origin"))
_N_FIELDS = 8


def is_expw(folder: Path) -> bool:
    """Whether a folder holds ExpW's list or its folder of images, also one folder further in."""
    root = _root(folder)
    return any((root / place).is_file() for place in _LISTS) or (root / _IMAGES[0]).is_dir()


def iter_expw(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the faces of ExpW in the order of its list.

    Args:
        folder: The folder with `label/` and `image/`, or the one around its `data/`.
        split: ExpW has no splits: asking for one gives nothing.
        report: Where broken rows and images are counted if they may be skipped.

    Returns:
        An iterator over faces of uint8 (S, S), S the longer side of the box but at most 512,
        located by line of the list.

    Raises:
        DatasetError: At once where the list or the folder of images is missing; while iterating
            where a row or image is broken.
    """
    root = _root(folder)
    list_file = next((root / place for place in _LISTS if (root / place).is_file()), None)
    if list_file is None:
        raise DatasetError(
            f"{root / _LISTS[0]}: the list of ExpW's faces is missing; put it there from the "
            "release"
        )
    images = next((root / place for place in _IMAGES if (root / place).is_dir()), None)
    if images is None:
        raise DatasetError(
            f"{root / _IMAGES[0]}: the folder of ExpW's images is missing; unpack the "
            "release's origin.7z there"
        )
    if split is not None:
        return iter(())
    report = report or ReadingReport()

    def read(row: tuple[int, str]) -> FaceSample | None:
        number, line = row
        return _read_row(line, images, f"{list_file}: line {number}", report)

    return read_each(numbered_lines(list_file), read, report)


def _root(folder: Path) -> Path:
    inner = folder / "data"
    is_inside = any((inner / place).exists() for place in (*_LISTS, _IMAGES[0]))
    return inner if is_inside else folder


def _read_row(line: str, images: Path, location: str, report: ReadingReport) -> FaceSample | None:
    # From the right: a name may have spaces.
    fields = line.rsplit(maxsplit=_N_FIELDS - 1)
    if len(fields) != _N_FIELDS:
        raise DatasetError(
            f"{location}: is {shown(line)}; expected {_N_FIELDS} fields: name, number of the face, "
            "top, left, right and bottom of its box, confidence, label"
        )
    name, _, top, left, right, bottom, _, code = fields
    emotion = listed_emotion(SHEET, code, location, report)
    if emotion is None:
        return None
    box = face_box((left, right), (top, bottom), location)
    file = image_path(images, name, location)
    return FaceSample(read_gray_box(file, box, location), emotion, None, location)
