"""Small sources of nobody's faces, every one of them with pixels of its own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.readers.fer2013_parquet import to_table
from emolens.datasets.votes import N_VOTES, vote_columns

SIDE_PX = 16
"""Side of the faces."""


def faces(n_faces: int, split: Split | None, *, seed: int, votes: bool = False) -> list[FaceSample]:
    """Faces of all classes in turn; with votes, six of ten raters see the class, four neutral."""
    pixels = np.random.default_rng(seed).integers(0, 256, (n_faces, SIDE_PX, SIDE_PX), np.uint8)
    made = []
    for row, image in enumerate(pixels):
        emotion = Emotion.from_index(row % N_EMOTIONS)
        counts = _votes(emotion) if votes else None
        made.append(FaceSample(image, emotion, split, "", counts))
    return made


def _votes(emotion: Emotion) -> tuple[int, ...]:
    counts: npt.NDArray[np.int64] = np.zeros(N_VOTES, np.int64)
    counts[0] = 4
    counts[vote_columns()[emotion.index]] += 6
    return tuple(counts.tolist())


def both_splits(seed: int, *, n_training: int = 70, votes: bool = False) -> list[FaceSample]:
    """`n_training` faces to learn from and 14 to validate on."""
    return [
        *faces(n_training, Split.TRAIN, seed=seed, votes=votes),
        *faces(14, Split.VALIDATION, seed=seed + 1000, votes=votes),
    ]


def of_people(samples: Sequence[FaceSample], n_people: int) -> list[FaceSample]:
    """The same faces, shared out among people in turn."""
    return [replace(one, subject=f"S{row % n_people}") for row, one in enumerate(samples)]


def write(path: Path, samples: Sequence[FaceSample]) -> Path:
    """Put faces into a Parquet file."""
    pq.write_table(to_table(samples), path)
    return path
