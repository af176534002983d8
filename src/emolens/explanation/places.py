"""The strongest of nine named parts of a face in a map."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from emolens.core.errors import InputError
from emolens.explanation.placement import Floats

_ROWS = ("upper", "middle", "lower")
# Directions in the image. The subject's right is on the left of the image.
_COLUMNS = ("left", "centre", "right")


@dataclass(frozen=True, slots=True)
class EvidencePlace:
    """One of nine equal parts of a face.

    Attributes:
        name: Row and column in the image, e.g. `"lower left"`; `"centre"` in the middle.
        share: Share of all positive evidence, 0..1.
    """

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class DropPlace:
    """One of nine equal parts of a face.

    Attributes:
        name: As in `EvidencePlace`.
        drop: The largest drop of the probability at a place of this part, -1..1.
    """

    name: str
    drop: float


def drop_places(cells: Floats) -> list[DropPlace]:
    """Return the largest drop in each of the nine parts of a face.

    Args:
        cells: float32 (n, n), the occlusion map of one class, n at least 3.

    Returns:
        Nine places in descending order of their drops.

    Raises:
        InputError: The map is not square, or has fewer than 3 cells along a side.
    """
    places = [DropPlace(name, float(part.max())) for name, part in _ninths(cells)]
    return sorted(places, key=lambda place: -place.drop)


def evidence_places(heat: Floats) -> list[EvidencePlace]:
    """Compute the shares of the evidence in the nine parts of a face.

    Args:
        heat: float32 (S, S), 0..1, S at least 3.

    Returns:
        Nine places in descending order of their shares, which add up to 1; none for an all-zero
        map.

    Raises:
        InputError: The map is not square, or is smaller than 3 px.
    """
    parts = list(_ninths(heat))
    total = float(heat.sum(dtype=np.float64))
    if total <= 0:
        return []
    places = [
        EvidencePlace(name, float(part.sum(dtype=np.float64)) / total) for name, part in parts
    ]
    return sorted(places, key=lambda place: -place.share)


def _ninths(heat: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield the names and pixels of the nine parts, from the upper left."""
    side = len(heat)
    if heat.shape != (side, side) or side < len(_ROWS):
        raise InputError(f"a heat map must be a square of at least 3 px; got {heat.shape}")
    edges = np.linspace(0, side, len(_ROWS) + 1).round().astype(int)
    bands = [slice(start, end) for start, end in pairwise(edges)]
    for row, down in zip(_ROWS, bands, strict=True):
        for column, across in zip(_COLUMNS, bands, strict=True):
            yield _name(row, column), heat[down, across]


def _name(row: str, column: str) -> str:
    return column if (row, column) == ("middle", "centre") else f"{row} {column}"
