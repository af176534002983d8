"""Rules that leave faces out of a training set."""

import hashlib
from collections.abc import Callable, Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSet
from emolens.datasets.votes import is_not_a_face

Keep = npt.NDArray[np.bool_]

MIN_CONTRAST = 8.0
"""Smallest standard deviation of an image with contrast, in grey levels.

In FER2013 an image at 4 is black with a bright spot, and an image at 9 shows a face once its
brightness is raised (docs/experiments/0007-duplicates.md).
"""


class DropRule(StrEnum):
    """A rule that selects training faces to leave out."""

    NOT_A_FACE = "not_a_face"
    """Most votes of FER+'s raters are for "not a face"."""
    DUPLICATES = "duplicates"
    """Pixel-identical to an earlier face with the same label."""
    CONFLICTS = "conflicts"
    """Pixel-identical to a face with another label; none of them is kept."""
    LEAKS = "leaks"
    """Pixel-identical to a face of the validation split."""


def drop_faces(
    faces: FaceSet, rules: Sequence[DropRule], held_out: FaceSet
) -> tuple[FaceSet, dict[DropRule, int]]:
    """Leave out the faces that match any of the rules.

    Args:
        faces: The training split.
        rules: The rules to apply.
        held_out: The validation split, read at the same size.

    Returns:
        The remaining faces, in their order, and the number of faces that match each rule. A face
        may match several rules.

    Raises:
        DatasetError: A rule requires votes that the data set does not have, or no face remains.
    """
    dropped = {rule: ~_RULES[rule](faces, held_out) for rule in rules}
    keep = ~np.any([np.zeros(len(faces), np.bool_), *dropped.values()], axis=0)
    if not keep.any():
        raise DatasetError(
            f"no training face is left after the rules {', '.join(rules)}. Use fewer rules."
        )
    return faces.take(np.flatnonzero(keep)), {rule: int(n.sum()) for rule, n in dropped.items()}


def refuse_faces(faces: FaceSet, rules: Sequence[DropRule], held_out: FaceSet) -> None:
    """Raise an error if a face matches any of the rules.

    Args:
        faces: The training split.
        rules: The rules that no face may match.
        held_out: The validation split, read at the same size.

    Raises:
        DatasetError: Faces match a rule, or a rule requires votes that the data set does not have.
    """
    for rule in rules:
        refused = np.flatnonzero(~_RULES[rule](faces, held_out))
        if len(refused):
            raise DatasetError(
                f"{len(refused)} training faces match the refuse rule {rule}, such as "
                f"{faces.locations[refused[0]]}. Remove them from the source, or set drop = "
                f'["{rule}"].'
            )


def pixel_digests(images: npt.NDArray[np.uint8]) -> list[bytes]:
    """Compute the SHA-256 digest of each image's pixels, uint8 (N, S, S)."""
    return [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in images]


def is_blank(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Mark the images of uint8 (N, S, S) with almost no contrast, as bool (N,)."""
    # One by one: computing all at once takes eight times the memory of the images.
    return np.array([image.std() < MIN_CONTRAST for image in images], np.bool_)


def _shows_a_face(faces: FaceSet, _held_out: FaceSet) -> Keep:
    if faces.votes is None:
        raise DatasetError(
            f"the rule {DropRule.NOT_A_FACE} requires FER+ votes, but the data set has none. "
            "Remove the rule, or use a source with the ferplus_* columns."
        )
    return ~is_not_a_face(faces.votes)


def _is_first(faces: FaceSet, _held_out: FaceSet) -> Keep:
    keys = list(zip(pixel_digests(faces.images), faces.labels.tolist(), strict=True))
    first_rows: dict[tuple[bytes, int], int] = {}
    return np.array([first_rows.setdefault(key, row) == row for row, key in enumerate(keys)])


def _has_one_label(faces: FaceSet, _held_out: FaceSet) -> Keep:
    digests = pixel_digests(faces.images)
    labels: dict[bytes, set[int]] = {}
    for digest, label in zip(digests, faces.labels.tolist(), strict=True):
        labels.setdefault(digest, set()).add(label)
    return np.array([len(labels[digest]) == 1 for digest in digests])


def _is_not_held_out(faces: FaceSet, held_out: FaceSet) -> Keep:
    held_out_digests = set(pixel_digests(held_out.images))
    return np.array([digest not in held_out_digests for digest in pixel_digests(faces.images)])


_RULES: dict[DropRule, Callable[[FaceSet, FaceSet], Keep]] = {
    DropRule.NOT_A_FACE: _shows_a_face,
    DropRule.DUPLICATES: _is_first,
    DropRule.CONFLICTS: _has_one_label,
    DropRule.LEAKS: _is_not_held_out,
}
