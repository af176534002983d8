"""Detection of exact duplicates and near-duplicates among the images of a data set."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import DisjointSet

from emolens.core.errors import InputError
from emolens.datasets.cleaning import is_blank, pixel_digests
from emolens.datasets.perceptual_hash import later_close_ones, mirrored_hashes, perceptual_hashes
from emolens.datasets.reframing import Reframing
from emolens.datasets.same_photograph import COMPARED_PX, is_same_photograph, thumbnail_of
from emolens.imaging.crop import resize_gray_square

MAX_HASH_DISTANCE = 10
"""Largest number of differing bits between the hashes of two images that are then aligned."""
# Differences in framing that are compensated: 15 % of the side, and 2 of 24 px in each direction.
# Either image of a pair may be the reframed one, so each change is listed with its inverse.
_REFRAMINGS = [
    Reframing(zoom, right, down)
    for zoom, right, down in itertools.product((1.0, 0.87, 1.15), (0, -2, 2), (0, -2, 2))
]
_IMAGES_AT_ONCE = 256

_Groups = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateGroups:
    """Groups of images that are duplicates of each other.

    Attributes:
        exact: int64 (N,), the group of pixel-identical images of each image: 0, 1, ... in order of
            first appearance. An image without a duplicate has a group of its own.
        near: int64 (N,), the group of exact duplicates and near-duplicates of each image,
            transitively. Images that share a group in `exact` share one here.
    """

    exact: _Groups
    near: _Groups


def find_duplicates(
    images: npt.NDArray[np.uint8],
    *,
    sought: npt.NDArray[np.bool_] | None = None,
    on_progress: Callable[[int], None] = lambda _n_done: None,
) -> DuplicateGroups:
    """Group the images that are duplicates of each other.

    Near-duplicates are the same photograph: saved again, brighter, with more contrast, marked,
    cropped slightly differently, or mirrored. FER2013 has about ninety mirrored pairs; a mirrored
    photograph in training and test leaks as much as an unmirrored one. Another photograph of the
    same subject a moment later is not a duplicate.

    Perceptual hashes of every image, as it is and in 26 slightly different framings, select
    candidate pairs, mirrored or not. Each pair is then aligned and compared by its fine detail.
    Two images without contrast are duplicates only if they are identical. The groups do not
    depend on the order of the images.

    Args:
        images: uint8 (N, S, S), grey; compared at 48 x 48 px.
        sought: bool (N,), the images whose near-duplicates are detected, among all images.
            Near-duplicates of other images are detected only through these. Default: all images.
            Selecting a test split among training rows takes an eighth of the time. The result
            for a few doubtful pairs depends on which image is warped onto the other, so it may
            differ slightly from that for all images.
        on_progress: Called with the number of images done, regularly and at the end.

    Raises:
        InputError: The images have another dtype or shape.
    """
    _check(images)
    exact, firsts = _exact_groups(images)
    n_groups = len(firsts)
    components = DisjointSet(range(n_groups))
    shrunk = [resize_gray_square(images[row], COMPARED_PX) for row in firsts]
    # Flat images correlate with each other whatever they show.
    with_contrast = [group for group in range(n_groups) if not is_blank(shrunk[group][None])[0]]
    queries = set(range(n_groups)) if sought is None else set(exact[sought].tolist())
    # Queries come first, so every pair has a query as its first image.
    compared = sorted(with_contrast, key=lambda group: group not in queries)
    n_queries = sum(group in queries for group in compared)
    for n_done, pairs in likely_pairs([shrunk[group] for group in compared], n_queries):
        for row, column, guess in pairs:
            one, other = compared[row], compared[column]
            # Groups are transitive: a large group needs no comparison of all its pairs.
            if not components.connected(one, other) and is_same_photograph(
                shrunk[one], shrunk[other], guess
            ):
                components.merge(one, other)
        on_progress(len(images) * n_done // (n_queries + 1))
    on_progress(len(images))
    roots = np.array([components[group] for group in range(n_groups)], np.int64)
    return DuplicateGroups(_numbered(exact), _numbered(roots[exact]))


def join_groups(
    parts: Sequence[tuple[npt.NDArray[np.int64], DuplicateGroups]], n_images: int
) -> DuplicateGroups:
    """Join the groups of overlapping parts of a data set, transitively.

    Args:
        parts: The rows of each part, int64 (M,), with their groups.
        n_images: Number of images of the data set.

    Returns:
        The groups of all images. Images that share a group in one part share one here.
    """
    components = DisjointSet(range(n_images)), DisjointSet(range(n_images))
    for rows, groups in parts:
        for joined, numbers in zip(components, (groups.exact, groups.near), strict=True):
            firsts = np.unique(numbers, return_index=True)[1]
            for row, first in zip(rows.tolist(), rows[firsts[numbers]].tolist(), strict=True):
                joined.merge(row, first)
    exact, near = (
        _numbered(np.array([joined[row] for row in range(n_images)], np.int64))
        for joined in components
    )
    return DuplicateGroups(exact, near)


def _check(images: npt.NDArray[np.uint8]) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise InputError(
            f"images is {images.dtype} {images.shape}; expected uint8 (N, S, S), as returned by "
            "load_faces and collect_faces"
        )


def _exact_groups(images: npt.NDArray[np.uint8]) -> tuple[_Groups, list[int]]:
    """Return the group of each image, ordered by pixel digest, and one row of each group."""
    digests = pixel_digests(images)
    rows = {digest: row for row, digest in reversed(list(enumerate(digests)))}
    ranks = {digest: rank for rank, digest in enumerate(sorted(rows))}
    groups = np.array([ranks[digest] for digest in digests], np.int64)
    return groups, [rows[digest] for digest in ranks]


def likely_pairs(
    images: list[npt.NDArray[np.uint8]], n_firsts: int | None = None
) -> Iterator[tuple[int, list[tuple[int, int, Reframing]]]]:
    """Find candidate pairs of near-duplicates by their perceptual hashes.

    Args:
        images: uint8 (48, 48) each, grey.
        n_firsts: Number of leading images that may be the first of a pair. Default: all.

    Yields:
        The number of images done, and pairs of indices, each with the reframing that probably
        maps the second image to the first. A pair may occur both mirrored and unmirrored.
    """
    if not images:
        return
    thumbnails = np.stack([thumbnail_of(image) for image in images])
    plain = {change: perceptual_hashes(thumbnails, change) for change in _REFRAMINGS}
    probes = plain | {c.mirror_image: mirrored_hashes(hashes) for c, hashes in plain.items()}
    unchanged = plain[_REFRAMINGS[0]]
    n_firsts = len(images) if n_firsts is None else n_firsts
    for start in range(0, n_firsts, _IMAGES_AT_ONCE):
        end = min(start + _IMAGES_AT_ONCE, n_firsts)
        found: dict[tuple[int, int, bool], Reframing] = {}
        for change, hashes in probes.items():
            rows = range(start, end)
            for row, others in later_close_ones(unchanged, hashes, rows, MAX_HASH_DISTANCE):
                for other in others.tolist():
                    found.setdefault((row, other, change.is_mirrored), change)
        yield end, [(row, other, change) for (row, other, _), change in found.items()]


def _numbered(groups: _Groups) -> _Groups:
    """Renumber groups in order of first appearance."""
    _, firsts, numbers = np.unique(groups, return_index=True, return_inverse=True)
    order = np.empty(len(firsts), np.int64)
    order[np.argsort(firsts)] = np.arange(len(firsts))
    return order[numbers]
