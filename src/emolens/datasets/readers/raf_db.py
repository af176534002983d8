"""The reader of the basic set of RAF-DB, the Real-world Affective Faces Database.

About forty annotators labelled each image. The reader uses the aligned faces and the list of their
splits and classes. It refuses the compound set, whose faces have two emotions each.
"""

from collections.abc import Iterator
from pathlib import Path

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split, Wanted, is_wanted
from emolens.datasets.image_lists import image_path, listed_emotion, numbered_lines, shown
from emolens.datasets.images import read_gray
from emolens.datasets.reading import ReadingReport, read_each
from emolens.datasets.sheet import DataSheet, SourceClass

SHEET = DataSheet(
    name="RAF-DB (basic set)",
    origin=(
        "Li, Deng and Du 2017, Reliable Crowdsourcing and Deep Locality-Preserving Learning for "
        "Expression Recognition in the Wild (CVPR); Li and Deng 2019 (IEEE Transactions on Image "
        "Processing 28). The images are from Flickr. About 40 annotators labelled each "
        "image; their reliability was estimated together with the labels."
    ),
    terms=(
        "For non-commercial research only, on request from the authors "
        "(http://whdeng.cn/RAF/model1.html). Images and labels may not be redistributed."
    ),
    images=(
        "15,339 colour faces of 100 x 100 px, cropped and aligned by the authors; read as grey. "
        "The complete database has 29,672 images."
    ),
    layout=(
        "basic/\n"
        "    EmoLabel/list_patition_label.txt   (lines such as: train_00001.jpg 5)\n"
        "    Image/aligned/train_00001_aligned.jpg, test_0001_aligned.jpg, ..."
    ),
    classes=(
        SourceClass("1", "surprise", Emotion.SURPRISE),
        SourceClass("2", "fear", Emotion.FEAR),
        SourceClass("3", "disgust", Emotion.DISGUST),
        SourceClass("4", "happiness", Emotion.HAPPY),
        SourceClass("5", "sadness", Emotion.SAD),
        SourceClass("6", "anger", Emotion.ANGRY),
        SourceClass("7", "neutral", Emotion.NEUTRAL),
    ),
    rule=(
        "All seven classes are those of emolens. The compound set is refused, because its faces "
        "have two emotions each and choosing one of them would invent a label."
    ),
    splits=(
        "By file name: train_ and test_. There is no validation split; a recipe holds out a part "
        "of the training split."
    ),
    counts={
        Split.TRAIN: {
            "surprise": 1290,
            "fear": 281,
            "disgust": 717,
            "happiness": 4772,
            "sadness": 1982,
            "anger": 705,
            "neutral": 2524,
        },
        Split.TEST: {
            "surprise": 329,
            "fear": 74,
            "disgust": 160,
            "happiness": 1185,
            "sadness": 478,
            "anger": 162,
            "neutral": 680,
        },
    },
    known_issues=(
        "Balance: 39 % of the faces are happy and 2.3 % fear.",
        "Subjects: they are not recorded. A subject may be in both splits.",
    ),
)

_LIST = Path("EmoLabel", "list_patition_label.txt")
_ALIGNED = Path("Image", "aligned")
_SPLITS = {"train_": Split.TRAIN, "test_": Split.TEST}
_COMPOUND_ONLY = frozenset({"8", "9", "10", "11"})


def is_raf_db(folder: Path) -> bool:
    """Return whether a folder is RAF-DB's `basic/` or `compound/`, or contains one of them."""
    root = _root(folder)
    return (root / "EmoLabel").is_dir() or (root / _ALIGNED).is_dir()


def iter_raf_db(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the aligned faces of the basic set in the order of its list.

    Args:
        folder: RAF-DB's `basic/`, or its parent.
        split: The split to read, or all. Images of other splits are not opened.
        report: Counts damaged rows and images.

    Returns:
        An iterator over faces, uint8 (100, 100), with the line of the list as location.

    Raises:
        DatasetError: At once if the list or the aligned images are missing, or this is the
            compound set; while iterating if a row or image is damaged.
    """
    root = _root(folder)
    _check(root)
    list_file, images = root / _LIST, root / _ALIGNED
    report = report or ReadingReport()

    def read(row: tuple[int, str]) -> FaceSample | None:
        number, line = row
        name, code = (*line.rsplit(maxsplit=1), "")[:2]
        location = f"{list_file}: line {number}"
        row_split = _split_of(name, location)
        if not is_wanted(row_split, split):
            return None
        emotion = listed_emotion(SHEET, code, location, report)
        if emotion is None:
            return None
        listed = image_path(images, name, location)
        aligned = listed.with_name(f"{listed.stem}_aligned{listed.suffix}")
        return FaceSample(read_gray(aligned, location), emotion, row_split, location)

    return read_each(numbered_lines(list_file), read, report)


def _root(folder: Path) -> Path:
    parts = (folder / "basic", folder / "compound")
    return next((part for part in parts if part.is_dir()), folder)


def _check(root: Path) -> None:
    list_file, images = root / _LIST, root / _ALIGNED
    is_compound = root.resolve().name.lower() == "compound"
    if not is_compound and not list_file.is_file():
        raise DatasetError(
            f"{list_file}: the list of RAF-DB's labels is missing (\"patition\" is RAF-DB's own "
            "spelling). Copy it there from the release."
        )
    # In a renamed folder, the labels identify it: 1 to 7 alone would pass for basic emotions.
    if is_compound or {line.split()[-1] for _, line in numbered_lines(list_file)} >= _COMPOUND_ONLY:
        raise DatasetError(
            f"{root}: is RAF-DB's compound set, whose faces have two emotions each. Use the folder "
            "of the basic set."
        )
    if not images.is_dir():
        original = " (Image/original exists, but its faces are neither cropped nor aligned)"
        found = original if (root / "Image" / "original").is_dir() else ""
        raise DatasetError(
            f"{images}: the folder of RAF-DB's aligned images is missing{found}. Unpack the "
            "release's aligned images there."
        )


def _split_of(name: str, location: str) -> Split:
    for start, split in _SPLITS.items():
        if name.startswith(start):
            return split
    raise DatasetError(
        f"{location}: the image name is {shown(name)}; "
        f"expected a name that starts with {' or '.join(_SPLITS)}"
    )
