"""Drawn faces with the annotations of a data set."""

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
        code: The code of its class in the files of the data set.
        emotion: Its emotion, one of the seven; None if readers leave it out.
        split: Its split; None in data sets without splits.
        subject: The number of its subject: 0, 1, ...
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
    """Draw faces of every class of a data set, including those that readers leave out.

    Args:
        sheet: The data sheet.
        splits: Its splits; `(None,)` without splits.
        per_class: Number of faces per class and split.
        size_px: Side of the images.
        seed: Seed of the random generator. The same seed returns the same faces.

    Returns:
        Faces by split, class and subject number.
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
    # Not `or`, because angry is 0.
    return Emotion.NEUTRAL if emotion is None else emotion
