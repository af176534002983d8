"""Drawn faces with what the files of a data set say about each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion
from emolens.datasets.faces import Split
from emolens.datasets.sheet import DataSheet
from emolens.testing.drawn_faces import draw_face


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """A drawn face of a data set.

    Attributes:
        image: uint8 (S, S), grey.
        code: Its class as the files of the data set write it.
        emotion: Which of the seven this is, or None where readers leave it out.
        split: Its split, or None in data sets without.
        subject: Whom it shows: 0, 1, ...
    """

    image: npt.NDArray[np.uint8]
    code: str
    emotion: Emotion | None
    split: Split | None
    subject: int


def draw_samples(
    sheet: DataSheet,
    splits: Sequence[Split | None],
    *,
    per_class: int = 2,
    size_px: int = 48,
    seed: int = 0,
) -> list[DrawnSample]:
    """Draw faces of every class of a data set, those without a place here included.

    Args:
        sheet: The data set.
        splits: Its splits; `(None,)` where it has none.
        per_class: Faces of each class in each split.
        size_px: Side of the images.
        seed: The same one gives the same faces.

    Returns:
        Faces by split, class and number; the number is that of the person.
    """
    rng = np.random.default_rng(seed)
    return [
        DrawnSample(
            draw_face(_drawn(one.emotion), rng, size_px=size_px),
            one.code,
            one.emotion,
            split,
            number,
        )
        for split in splits
        for one in sheet.classes
        for number in range(per_class)
    ]


def _drawn(emotion: Emotion | None) -> Emotion:
    # Not `or`: angry is 0.
    return Emotion.NEUTRAL if emotion is None else emotion
