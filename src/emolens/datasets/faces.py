"""Labelled faces, one by one or all in memory: the common output of all data set readers."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError
from emolens.core.face import QualityReason
from emolens.imaging.crop import resize_gray_square


class Split(StrEnum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"

    @classmethod
    def from_name(cls, name: str) -> "Split":
        """Return the split of a name: ours, another common one (`val`), or FER2013's."""
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
"""The split or splits to read; None for all faces, including those without a split."""


def is_wanted(split: Split | None, wanted: Wanted) -> bool:
    """Return whether the faces of a split are to be read."""
    if wanted is None:
        return True
    return split is wanted if isinstance(wanted, Split) else split in wanted


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """The detection of the face that was cropped from an image.

    Attributes:
        n_faces: Number of faces in the image. The largest one is cropped; without a face, the image
            is kept whole.
        reasons: Reasons against an assessment of the largest face.
    """

    n_faces: int
    reasons: tuple[QualityReason, ...] = ()

    @property
    def has_label(self) -> bool:
        """Whether emolens assigns a label, that is, there is a face that can be assessed."""
        return self.n_faces > 0 and not self.reasons


@dataclass(frozen=True, slots=True, eq=False)
class FaceSample:
    """One labelled face.

    Attributes:
        image: uint8 (H, W), grey.
        emotion: Its label.
        split: Its split, or None if the data set does not define one.
        location: Its file and, for files with many faces, its row counted from 1; for messages.
        votes: FER+'s ten counts in the order of `votes.VOTE_NAMES`, or None without votes.
        subject: The data set's identifier of the subject, or None without one.
        detected: The detection of the face, or None if the image is a face crop.
    """

    image: npt.NDArray[np.uint8]
    emotion: Emotion
    split: Split | None
    location: str
    votes: tuple[int, ...] | None = None
    subject: str | None = None
    detected: DetectedFace | None = None


class FaceDigest:
    """An incremental SHA-256 of pixels and labels in order, in constant memory.

    The digest is equal for equal content in any file format. It ignores splits and locations.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add(self, image: npt.NDArray[np.uint8], label: int) -> None:
        """Add the next face: uint8 pixels of (H, W) and its class, 0..6."""
        # The shape distinguishes faces with the same bytes but another row length.
        self._sha256.update(f"{image.shape[0]}x{image.shape[1]}:{int(label)}:".encode())
        self._sha256.update(np.ascontiguousarray(image).data)

    def hexdigest(self) -> str:
        """Return the digest of the faces added so far, 64 hexadecimal digits."""
        return self._sha256.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Labelled faces in memory.

    Attributes:
        images: uint8 (N, S, S), grey.
        labels: int64 (N,), values of `Emotion`.
        locations: File and row of each face, for messages and lists.
        votes: uint8 (N, 10), FER+'s counts in the order of `votes.VOTE_NAMES`, or None unless
            every face has votes.
        subjects: The subject of each face, or None unless every face has one.
        warnings: Assumptions of the reader, such as the order of numeric labels.
        detected: The detection of each face, or None if the images are face crops.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    locations: tuple[str, ...]
    votes: npt.NDArray[np.uint8] | None = None
    subjects: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    detected: tuple[DetectedFace, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.int64]) -> "FaceSet":
        """Select faces by row number (int64), in that order."""
        return FaceSet(
            self.images[rows],
            self.labels[rows],
            tuple(self.locations[row] for row in rows),
            None if self.votes is None else self.votes[rows],
            None if self.subjects is None else tuple(self.subjects[row] for row in rows),
            self.warnings,
            None if self.detected is None else tuple(self.detected[row] for row in rows),
        )

    @property
    def class_counts(self) -> npt.NDArray[np.int64]:
        """The number of faces per class, int64 (7,)."""
        return np.bincount(self.labels, minlength=N_EMOTIONS).astype(np.int64)

    @property
    def sha256(self) -> str:
        """The digest of pixels and labels in order, equal for equal content in any file format."""
        digest = FaceDigest()
        for image, label in zip(self.images, self.labels, strict=True):
            digest.add(image, int(label))
        return digest.hexdigest()


class FaceCollector:
    """A growing array of faces of one size.

    Args:
        size_px: Side of the square that `resize_gray_square` resizes every face to. A face of this
            size is unchanged.
    """

    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        # One growing buffer takes half the memory of a list that is stacked at the end.
        self._pixels = bytearray()
        self._labels: list[int] = []
        self._locations: list[str] = []
        self._votes: list[tuple[int, ...]] = []
        self._subjects: list[str] = []
        self._detected: list[DetectedFace] = []

    def add(self, sample: FaceSample) -> None:
        """Add the next face, of any size."""
        self._pixels += resize_gray_square(sample.image, self.size_px).tobytes()
        self._labels.append(sample.emotion.index)
        self._locations.append(sample.location)
        if sample.votes is not None:
            self._votes.append(sample.votes)
        if sample.subject is not None:
            self._subjects.append(sample.subject)
        if sample.detected is not None:
            self._detected.append(sample.detected)

    def faces(self, warnings: Sequence[str] = ()) -> FaceSet:
        """Return all faces in the order added; an empty set has arrays of length 0."""
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
            tuple(self._detected) if self._detected else None,
        )


def collect_faces(samples: Iterable[FaceSample], size_px: int) -> FaceSet:
    """Collect faces of any size in one array, with `FaceCollector`."""
    collector = FaceCollector(size_px)
    for sample in samples:
        collector.add(sample)
    return collector.faces()


def join_faces(parts: Sequence[FaceSet]) -> FaceSet:
    """Concatenate one or more sets; their faces must have the same size.

    If some sets have votes, the faces of the others get ten zeros. The result has subjects only if
    every set has them.
    """
    if len(parts) == 1:
        return parts[0]
    n_votes = next((part.votes.shape[1] for part in parts if part.votes is not None), None)
    votes = None
    if n_votes is not None:
        votes = np.concatenate(
            [
                np.zeros((len(part), n_votes), np.uint8) if part.votes is None else part.votes
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
        # Without repetitions, in order.
        tuple(dict.fromkeys(warning for part in parts for warning in part.warnings)),
    )
