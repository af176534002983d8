"""Leave faces out of a training set by stated rules."""

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
"""Standard deviation in grey levels: at 4 FER2013 has a black image with a bright spot, at 9 a
face that is readable once it is lit up (docs/experiments/0007-duplicates.md)."""


class DropRule(StrEnum):
    """Which training faces to leave out."""

    NOT_A_FACE = "not_a_face"
    """FER+'s raters say most often that it shows no face."""
    DUPLICATES = "duplicates"
    """Pixel-identical to an earlier face of the same label."""
    CONFLICTS = "conflicts"
    """Pixel-identical to a face of another label; none of them stays."""
    LEAKS = "leaks"
    """Pixel-identical to a face of the validation split."""


def drop_faces(
    faces: FaceSet, rules: Sequence[DropRule], held_out: FaceSet
) -> tuple[FaceSet, dict[DropRule, int]]:
    """Leave out the faces that any of the rules names.

    Args:
        faces: The training split.
        rules: What to leave out.
        held_out: The validation split, read at the same size.

    Returns:
        The faces that stay, in their order, and how many each rule names (one face may be named by
        several).

    Raises:
        DatasetError: The data set has no votes but a rule needs them, or nothing stays.
    """
    dropped = {rule: ~_RULES[rule](faces, held_out) for rule in rules}
    keep = ~np.any([np.zeros(len(faces), np.bool_), *dropped.values()], axis=0)
    if not keep.any():
        raise DatasetError(
            f"no training face is left after leaving out {', '.join(rules)}; use fewer rules"
        )
    return faces.take(np.flatnonzero(keep)), {rule: int(n.sum()) for rule, n in dropped.items()}


def refuse_faces(faces: FaceSet, rules: Sequence[DropRule], held_out: FaceSet) -> None:
    """Stop where any of the rules names a face.

    Args:
        faces: The training split.
        rules: What must not be there.
        held_out: The validation split, read at the same size.

    Raises:
        DatasetError: A rule names faces, or the data set has no votes but a rule needs them.
    """
    for rule in rules:
        named = np.flatnonzero(~_RULES[rule](faces, held_out))
        if len(named):
            raise DatasetError(
                f"{len(named)} training faces are refused by the rule {rule}, such as "
                f"{faces.locations[named[0]]}; take them out, or leave them out with drop = "
                f'["{rule}"]'
            )


def pixel_digests(images: npt.NDArray[np.uint8]) -> list[bytes]:
    """A digest of each image of uint8 (N, S, S): equal for identical pixels."""
    return [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in images]


def is_blank(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which images of uint8 (N, S, S) have almost no contrast, bool (N,)."""
    # One by one: deviations of all at once would take eight times the memory of the images.
    return np.array([image.std() < MIN_CONTRAST for image in images], np.bool_)


def _faces(faces: FaceSet, _held_out: FaceSet) -> Keep:
    if faces.votes is None:
        raise DatasetError(
            f"data.drop names {DropRule.NOT_A_FACE}, but the data set has no FER+ votes; leave the "
            "rule away or use a source with the ferplus_* columns"
        )
    return ~is_not_a_face(faces.votes)


def _first_ones(faces: FaceSet, _held_out: FaceSet) -> Keep:
    keys = list(zip(pixel_digests(faces.images), faces.labels.tolist(), strict=True))
    seen: set[tuple[bytes, int]] = set()
    return np.array([not (key in seen or seen.add(key)) for key in keys])  # type: ignore[func-returns-value]


def _agreeing_ones(faces: FaceSet, _held_out: FaceSet) -> Keep:
    digests = pixel_digests(faces.images)
    labels: dict[bytes, set[int]] = {}
    for digest, label in zip(digests, faces.labels.tolist(), strict=True):
        labels.setdefault(digest, set()).add(label)
    return np.array([len(labels[digest]) == 1 for digest in digests])


def _unseen_ones(faces: FaceSet, held_out: FaceSet) -> Keep:
    known = set(pixel_digests(held_out.images))
    return np.array([digest not in known for digest in pixel_digests(faces.images)])


_RULES: dict[DropRule, Callable[[FaceSet, FaceSet], Keep]] = {
    DropRule.NOT_A_FACE: _faces,
    DropRule.DUPLICATES: _first_ones,
    DropRule.CONFLICTS: _agreeing_ones,
    DropRule.LEAKS: _unseen_ones,
}
