"""Find the images that stand in a data set more than once, exactly or nearly."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.datasets.cleaning import is_blank, pixel_digests
from emolens.datasets.perceptual_hash import later_close_ones, mirrored_hashes, perceptual_hashes
from emolens.datasets.reframing import Reframing
from emolens.datasets.same_photograph import COMPARED_PX, is_same_photograph, thumbnail_of
from emolens.imaging.crop import resize_gray_square

MAX_HASH_DISTANCE = 10
"""Bits in which the hashes of two images may differ for them to be compared pixel by pixel."""
# How the framing of one photograph may differ: 15 % of the side, and 2 of 24 px each way. Both
# images of a pair are looked for, so every change stands here with its opposite.
_REFRAMINGS = [
    Reframing(zoom, right, down)
    for zoom, right, down in itertools.product((1.0, 0.87, 1.15), (0, -2, 2), (0, -2, 2))
]
_IMAGES_AT_ONCE = 256

_Groups = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateGroups:
    """Which images are copies of each other.

    Attributes:
        exact: int64 (N,), the number of the group of pixel-identical images that each image
            belongs to: 0, 1, ... in order of first appearance. An image without a copy is a group
            of its own.
        near: int64 (N,), the same for exact or near copies, and for copies of copies. Whoever
            shares a group in `exact` shares one here.
    """

    exact: _Groups
    near: _Groups


def find_duplicates(
    images: npt.NDArray[np.uint8],
    *,
    sought: npt.NDArray[np.bool_] | None = None,
    on_progress: Callable[[int], None] = lambda _n_done: None,
) -> DuplicateGroups:
    """Group the images that are copies of each other.

    Near copies are the same photograph: saved anew, brighter, with more contrast, marked, cut out
    a little differently, or mirrored (FER2013 has some ninety such pairs, and a mirrored photograph
    that stands in training and test leaks as much as one that is not). Another photograph of the
    same person a moment later is no copy.

    Perceptual hashes of every image as it is and in 26 slightly different framings name the pairs
    to look at, mirrored or not; each pair is then aligned and compared by its fine detail. Two
    images without contrast are copies only where they are identical. The groups do not depend on
    the order of the images.

    Args:
        images: uint8 (N, S, S), grey; compared at 48 x 48 px.
        sought: bool (N,), whose near copies are looked for, among all images; those of others
            only show where they are copies of these. All images unless given; for a test split
            among training rows it takes an eighth of the time. Which image of a pair is brought
            over which decides some doubtful pairs, so a few copies more or fewer may be found.
        on_progress: Called with the number of images done, now and then and at the end.

    Raises:
        InputError: The images have another type or shape.
    """
    _check(images)
    exact, firsts = _exact_groups(images)
    n_groups = len(firsts)
    components = _Components(n_groups)
    shrunk = [resize_gray_square(images[row], COMPARED_PX) for row in firsts]
    # Flat images are alike whatever they show.
    with_contrast = [group for group in range(n_groups) if not is_blank(shrunk[group][None])[0]]
    asked = set(range(n_groups)) if sought is None else set(exact[sought].tolist())
    # Those that are asked for come first, so that every pair has one of them as its first.
    compared = sorted(with_contrast, key=lambda group: group not in asked)
    n_asked = sum(group in asked for group in compared)
    for n_done, pairs in likely_pairs([shrunk[group] for group in compared], n_asked):
        for row, column, guess in pairs:
            one, other = compared[row], compared[column]
            # Copies of copies are copies: no need to compare all of a large group.
            if components.find(one) != components.find(other) and is_same_photograph(
                shrunk[one], shrunk[other], guess
            ):
                components.join(one, other)
        on_progress(len(images) * n_done // (n_asked + 1))
    on_progress(len(images))
    roots = np.array([components.find(group) for group in range(n_groups)], np.int64)
    return DuplicateGroups(_numbered(exact), _numbered(roots[exact]))


def _check(images: npt.NDArray[np.uint8]) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise InputError(
            f"faces to compare must be uint8 (N, S, S), got {images.dtype} {images.shape}; "
            "load_faces and collect_faces give such arrays"
        )


def _exact_groups(images: npt.NDArray[np.uint8]) -> tuple[_Groups, list[int]]:
    """The group of each image, in an order that only pixels decide, and a row of each group."""
    digests = pixel_digests(images)
    rows = {digest: row for row, digest in reversed(list(enumerate(digests)))}
    ranks = {digest: rank for rank, digest in enumerate(sorted(rows))}
    groups = np.array([ranks[digest] for digest in digests], np.int64)
    return groups, [rows[digest] for digest in ranks]


def likely_pairs(
    images: list[npt.NDArray[np.uint8]], n_firsts: int | None = None
) -> Iterator[tuple[int, list[tuple[int, int, Reframing]]]]:
    """Find the pairs of images that may be copies, by their perceptual hashes.

    Args:
        images: uint8 (48, 48) each, grey.
        n_firsts: The first of a pair is one of so many at the beginning; of all unless given.

    Yields:
        The number of images done, and pairs of places in the list, each with what probably
        makes the second look like the first; the same pair may come mirrored and not.
    """
    if not images:
        return
    thumbnails = np.stack([thumbnail_of(image) for image in images])
    plain = {change: perceptual_hashes(thumbnails, change) for change in _REFRAMINGS}
    probes = plain | {c.mirror_image: mirrored_hashes(hashes) for c, hashes in plain.items()}
    whole = plain[_REFRAMINGS[0]]
    n_firsts = len(images) if n_firsts is None else n_firsts
    for start in range(0, n_firsts, _IMAGES_AT_ONCE):
        end = min(start + _IMAGES_AT_ONCE, n_firsts)
        found: dict[tuple[int, int, bool], Reframing] = {}
        for change, hashes in probes.items():
            rows = range(start, end)
            for row, others in later_close_ones(whole, hashes, rows, MAX_HASH_DISTANCE):
                for other in others.tolist():
                    found.setdefault((row, other, change.is_mirrored), change)
        yield end, [(row, other, change) for (row, other, _), change in found.items()]


class _Components:
    """Sets of numbers that grow together (Galler and Fischer 1964)."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def find(self, member: int) -> int:
        """The number that stands for the set of a member."""
        while self._parents[member] != member:
            self._parents[member] = self._parents[self._parents[member]]
            member = self._parents[member]
        return member

    def join(self, one: int, other: int) -> None:
        """Make one set of the sets of two members."""
        self._parents[self.find(one)] = self.find(other)


def _numbered(groups: _Groups) -> _Groups:
    """The same groups numbered in order of first appearance."""
    _, firsts, numbers = np.unique(groups, return_index=True, return_inverse=True)
    order = np.empty(len(firsts), np.int64)
    order[np.argsort(firsts)] = np.arange(len(firsts))
    return order[numbers]
