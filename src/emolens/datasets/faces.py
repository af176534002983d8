"""What every data set reader gives: labelled faces, one by one or all in memory."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError


class Split(StrEnum):
    """The three parts of a data set; the values are FER2013's own words for them."""

    TRAINING = "Training"
    PUBLIC_TEST = "PublicTest"
    PRIVATE_TEST = "PrivateTest"

    @classmethod
    def from_name(cls, name: str) -> "Split":
        """Find a split by FER2013's word or a common one (`train`, `validation`, `test`, ...)."""
        split = _SPLIT_NAMES.get(name.lower().replace("_", "").replace("-", ""))
        if split is None:
            raise DatasetError(
                f"unknown split {name!r}; allowed: {', '.join(Split)} "
                f"(also {', '.join(sorted(set(_SPLIT_NAMES) - {s.lower() for s in Split}))})"
            )
        return split


_SPLIT_NAMES = {
    "training": Split.TRAINING,
    "train": Split.TRAINING,
    "publictest": Split.PUBLIC_TEST,
    "validation": Split.PUBLIC_TEST,
    "valid": Split.PUBLIC_TEST,
    "val": Split.PUBLIC_TEST,
    "privatetest": Split.PRIVATE_TEST,
    "test": Split.PRIVATE_TEST,
}


@dataclass(frozen=True, slots=True, eq=False)
class FaceSample:
    """One labelled face.

    Attributes:
        image: uint8 (H, W), grey.
        emotion: Its label.
        split: Its split, or None where the data set does not tell.
        location: File and row, for messages.
    """

    image: npt.NDArray[np.uint8]
    emotion: Emotion
    split: Split | None
    location: str


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Labelled faces in memory.

    Attributes:
        images: uint8 (N, S, S), grey.
        labels: int64 (N,), values of `Emotion`.
        locations: File and row of each face, for messages and lists.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    locations: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def class_counts(self) -> npt.NDArray[np.int64]:
        """int64 (7,), faces per class."""
        return np.bincount(self.labels, minlength=N_EMOTIONS).astype(np.int64)

    @property
    def sha256(self) -> str:
        """Digest of pixels and labels in order: equal for equal content in any file format."""
        digest = hashlib.sha256()
        digest.update(repr(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def collect_faces(samples: Iterable[FaceSample], size_px: int) -> FaceSet:
    """Put faces into one array, resizing those of another size.

    Args:
        samples: Faces of any size, in order.
        size_px: Side of the square every face is brought to (area interpolation when it shrinks,
            bilinear when it grows); a face of that size stays untouched.

    Returns:
        All faces in the order given; an empty set has arrays of length 0.
    """
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    locations: list[str] = []
    for sample in samples:
        images.append(_resize_square(sample.image, size_px))
        labels.append(sample.emotion)
        locations.append(sample.location)
    stacked = np.stack(images) if images else np.empty((0, size_px, size_px), np.uint8)
    return FaceSet(stacked, np.array(labels, np.int64), tuple(locations))


def _resize_square(image: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    if image.shape == (size_px, size_px):
        return image
    shrinks = min(image.shape[:2]) >= size_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image, (size_px, size_px), interpolation=interpolation)
    return np.asarray(resized, np.uint8)
