"""What every data set reader gives: labelled faces, one by one or all in memory."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError
from emolens.imaging.crop import resize_gray_square


class Split(StrEnum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"

    @classmethod
    def from_name(cls, name: str) -> "Split":
        """Find a split by its name, another common one (`val`, ...) or FER2013's (`PublicTest`)."""
        split = _SPLIT_NAMES.get(re.sub(r"[\s_-]", "", name.lower()))
        if split is None:
            raise DatasetError(
                f"unknown split {name!r}; allowed: {', '.join(Split)} "
                f"(also {', '.join(sorted(set(_SPLIT_NAMES) - set(Split)))})"
            )
        return split


_SPLIT_NAMES = {
    "training": Split.TRAIN,
    "train": Split.TRAIN,
    "publictest": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "val": Split.VALIDATION,
    "privatetest": Split.TEST,
    "test": Split.TEST,
    "testing": Split.TEST,
}


Wanted = Split | frozenset[Split] | None
"""The split, or the splits, whose faces are read; None for all, also those that belong to none."""


def is_wanted(split: Split | None, wanted: Wanted) -> bool:
    """Whether faces of a split are among those that are read."""
    if wanted is None:
        return True
    return split is wanted if isinstance(wanted, Split) else split in wanted


@dataclass(frozen=True, slots=True, eq=False)
class FaceSample:
    """One labelled face.

    Attributes:
        image: uint8 (H, W), grey.
        emotion: Its label.
        split: Its split, or None where the data set does not tell.
        location: File and, where the file holds many faces, its row counted from 1; for messages.
        votes: FER+'s ten counts in the order of `votes.VOTE_NAMES`, or None without such votes.
        subject: Who is shown, as the data set numbers people, or None where it does not.
    """

    image: npt.NDArray[np.uint8]
    emotion: Emotion
    split: Split | None
    location: str
    votes: tuple[int, ...] | None = None
    subject: str | None = None


class FaceDigest:
    """SHA-256 of pixels and labels in order, taken face by face in constant memory.

    Equal for equal content in any file format; splits and locations do not enter.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add(self, image: npt.NDArray[np.uint8], label: int) -> None:
        """Add the next face: uint8 pixels of (H, W) and its class, 0..6."""
        # The shape in front keeps faces apart that have the same bytes in rows of another length.
        self._sha256.update(f"{image.shape[0]}x{image.shape[1]}:{int(label)}:".encode())
        self._sha256.update(np.ascontiguousarray(image).data)

    def hexdigest(self) -> str:
        """The digest of the faces added so far, 64 hexadecimal digits."""
        return self._sha256.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Labelled faces in memory.

    Attributes:
        images: uint8 (N, S, S), grey.
        labels: int64 (N,), values of `Emotion`.
        locations: File and row of each face, for messages and lists.
        votes: uint8 (N, 10), FER+'s counts in the order of `votes.VOTE_NAMES`, or None where not
            every face has them.
        subjects: Who each face shows, or None where the data set does not tell for every face.
        warnings: What its reader assumed, such as the order of labels that are numbers.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    locations: tuple[str, ...]
    votes: npt.NDArray[np.uint8] | None = None
    subjects: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.int64]) -> "FaceSet":
        """The faces of some rows (int64), in that order."""
        return FaceSet(
            self.images[rows],
            self.labels[rows],
            tuple(self.locations[row] for row in rows),
            None if self.votes is None else self.votes[rows],
            None if self.subjects is None else tuple(self.subjects[row] for row in rows),
            self.warnings,
        )

    @property
    def class_counts(self) -> npt.NDArray[np.int64]:
        """int64 (7,), faces per class."""
        return np.bincount(self.labels, minlength=N_EMOTIONS).astype(np.int64)

    @property
    def sha256(self) -> str:
        """Digest of pixels and labels in order: equal for equal content in any file format."""
        digest = FaceDigest()
        for image, label in zip(self.images, self.labels, strict=True):
            digest.add(image, int(label))
        return digest.hexdigest()


class FaceCollector:
    """Puts faces into one array, one after the other.

    Args:
        size_px: Side of the square every face is brought to by `resize_gray_square`; a face of that
            size stays untouched.
    """

    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        # One growing buffer instead of a list that is stacked at the end: half the memory.
        self._pixels = bytearray()
        self._labels: list[int] = []
        self._locations: list[str] = []
        self._votes: list[tuple[int, ...]] = []
        self._subjects: list[str] = []

    def add(self, sample: FaceSample) -> None:
        """Take the next face, of any size."""
        self._pixels += resize_gray_square(sample.image, self.size_px).tobytes()
        self._labels.append(sample.emotion)
        self._locations.append(sample.location)
        if sample.votes is not None:
            self._votes.append(sample.votes)
        if sample.subject is not None:
            self._subjects.append(sample.subject)

    def faces(self, warnings: Sequence[str] = ()) -> FaceSet:
        """All faces in the order given; an empty set has arrays of length 0."""
        n_faces = len(self._labels)
        images = np.frombuffer(self._pixels, np.uint8).reshape(n_faces, self.size_px, self.size_px)
        has_votes = self._votes and len(self._votes) == n_faces
        has_subjects = self._subjects and len(self._subjects) == n_faces
        return FaceSet(
            images,
            np.array(self._labels, np.int64),
            tuple(self._locations),
            np.array(self._votes, np.uint8) if has_votes else None,
            tuple(self._subjects) if has_subjects else None,
            tuple(warnings),
        )


def collect_faces(samples: Iterable[FaceSample], size_px: int) -> FaceSet:
    """Put faces of any size into one array, as `FaceCollector` does."""
    collector = FaceCollector(size_px)
    for sample in samples:
        collector.add(sample)
    return collector.faces()


def join_faces(parts: Sequence[FaceSet]) -> FaceSet:
    """Put one or more sets one after the other; their faces must have the same size.

    Where some sets have votes, the faces of the others get ten zeros; people are known only where
    every set knows them.
    """
    if len(parts) == 1:
        return parts[0]
    n_answers = next((part.votes.shape[1] for part in parts if part.votes is not None), None)
    votes = None
    if n_answers is not None:
        votes = np.concatenate(
            [
                np.zeros((len(part), n_answers), np.uint8) if part.votes is None else part.votes
                for part in parts
            ]
        )
    subjects = [part.subjects for part in parts if part.subjects is not None]
    return FaceSet(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        tuple(location for part in parts for location in part.locations),
        votes,
        tuple(name for of_part in subjects for name in of_part)
        if len(subjects) == len(parts)
        else None,
        # In order, each once.
        tuple(dict.fromkeys(warning for part in parts for warning in part.warnings)),
    )
