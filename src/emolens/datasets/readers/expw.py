"""The reader of ExpW (Expression in-the-Wild): scenes with a list of face boxes and classes.

An image may show several faces. Each face has its own line in the list, and the reader crops the
square around its box.
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
        "The images are from Google's image search. The faces were detected automatically and "
        "labelled by hand; false detections were removed."
    ),
    terms=(
        "Released for research by its authors' group; see the terms at "
        "http://mmlab.ie.cuhk.edu.hk/projects/socialrelation/index.html. The copyright in the "
        "images remains with their owners."
    ),
    images=(
        "91,793 faces in colour images of any size. The reader crops the square around the box of "
        "each face and converts it to grey."
    ),
    layout=(
        "label/label.lst          (lines: image name, number of the face, top, left, right and\n"
        "                          bottom of its box, confidence of the box, label)\n"
        "image/origin/*.jpg\n"
        "label.lst and origin/ may also be in the same folder, and everything in a folder data/."
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
        "All seven classes are those of emolens. Every listed face is read, whatever the "
        "confidence of its box. A face that is listed twice is read twice."
    ),
    splits="None. A recipe holds out its own validation split.",
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
        "Balance: 38 % of the faces are neutral, 33 % happy and 1.2 % fear.",
        "Subjects: they are not recorded. A split may separate the faces of one image or subject.",
    ),
)

_LISTS = (Path("label", "label.lst"), Path("label.lst"))
_IMAGES = (Path("image", "origin"), Path("origin"))
_N_FIELDS = 8


def is_expw(folder: Path) -> bool:
    """Return whether a folder, or its subfolder `data/`, has ExpW's list or images."""
    root = _root(folder)
    return any((root / place).is_file() for place in _LISTS) or (root / _IMAGES[0]).is_dir()


def iter_expw(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the faces of ExpW in the order of its list.

    Args:
        folder: The folder with `label/` and `image/`, or the parent of their folder `data/`.
        split: The split to read, or all. ExpW has no splits, so any split is empty.
        report: Counts damaged rows and images.

    Returns:
        An iterator over faces, uint8 (S, S), where S is the longer side of the box, at most 512.
        Their location is the line of the list.

    Raises:
        DatasetError: At once if the list or the folder of images is missing; while iterating if a
            row or image is damaged.
    """
    root = _root(folder)
    list_file = next((root / place for place in _LISTS if (root / place).is_file()), None)
    if list_file is None:
        raise DatasetError(
            f"{root / _LISTS[0]}: the list of ExpW's faces is missing. Copy it there from the "
            "release."
        )
    images = next((root / place for place in _IMAGES if (root / place).is_dir()), None)
    if images is None:
        raise DatasetError(
            f"{root / _IMAGES[0]}: the folder of ExpW's images is missing. Unpack the "
            "release's origin.7z there."
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
    # Split from the right, because a name may contain spaces.
    fields = line.rsplit(maxsplit=_N_FIELDS - 1)
    if len(fields) != _N_FIELDS:
        raise DatasetError(
            f"{location}: found {shown(line)}; expected {_N_FIELDS} fields: name, number of face, "
            "top, left, right and bottom of its box, confidence, label"
        )
    name, _, top, left, right, bottom, _, code = fields
    emotion = listed_emotion(SHEET, code, location, report)
    if emotion is None:
        return None
    box = face_box((left, right), (top, bottom), location)
    file = image_path(images, name, location)
    return FaceSample(read_gray_box(file, box, location), emotion, None, location)
