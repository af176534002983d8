"""Duplicates within and between the splits of a data set, detected as `emolens evaluate` does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolens.datasets.duplicates import DuplicateGroups, find_duplicates, join_groups


@dataclass(frozen=True, slots=True, eq=False)
class SplitDuplicates:
    """The duplicates of a data set with splits.

    Attributes:
        groups: The groups of duplicates among all images.
        leaks: For each pair of splits (held out, other): bool (N,), the images of the first split
            with a duplicate in the second one.
    """

    groups: DuplicateGroups
    leaks: Mapping[tuple[str, str], npt.NDArray[np.bool_]]


def find_split_duplicates(
    images: npt.NDArray[np.uint8],
    splits: npt.NDArray[np.str_],
    names: Sequence[str],
    on_progress: Callable[[int], None] = lambda _n_done: None,
) -> SplitDuplicates:
    """Group the duplicates of all images, and mark those between splits.

    Two splits are compared exactly as `emolens evaluate` compares a split with its training rows:
    the result for a few doubtful pairs depends on which image is aligned to which, and a third
    split must not connect two others. So the audit and the evaluation count the same leaks.

    Args:
        images: uint8 (N, S, S), grey.
        splits: The name of the split of each image, (N,).
        names: The splits with images; each is held out from those before it.
        on_progress: Called with the number of images done, regularly and at the end.
    """
    pairs = [(name, other) for place, name in enumerate(names) for other in names[:place]]
    # The first split has no pair in which it is held out.
    sought_in = [(name, (name,)) for name in names[:1]] + [(pair[0], pair) for pair in pairs]
    n_sought = [int((splits == name).sum()) for name, _ in sought_in]
    parts = []
    for place, (name, within) in enumerate(sought_in):
        rows = np.flatnonzero(np.isin(splits, within))
        part_progress = _part_of(on_progress, len(images), n_sought, place, len(rows))
        is_sought = splits[rows] == name
        groups = find_duplicates(images[rows], sought=is_sought, on_progress=part_progress)
        parts.append((rows, groups))
    leaks = {
        (held_out, other): _leaks(splits, held_out, *part)
        for (held_out, other), part in zip(pairs, parts[1:], strict=True)
    }
    return SplitDuplicates(join_groups(parts, len(images)), leaks)


def _part_of(
    on_progress: Callable[[int], None], n_images: int, n_sought: list[int], place: int, n_part: int
) -> Callable[[int], None]:
    """Return a callback for one part, which reports its progress within the whole."""
    before, total = sum(n_sought[:place]), sum(n_sought)

    def report(n_done: int) -> None:
        on_progress(int(n_images * (before + n_sought[place] * n_done / n_part) / total))

    return report


def _leaks(
    splits: npt.NDArray[np.str_],
    held_out: str,
    rows: npt.NDArray[np.int64],
    groups: DuplicateGroups,
) -> npt.NDArray[np.bool_]:
    is_held_out = splits[rows] == held_out
    of_others = groups.near[~is_held_out]
    leaks = np.zeros(len(splits), np.bool_)
    leaks[rows[is_held_out]] = np.isin(groups.near[is_held_out], of_others)
    return leaks
