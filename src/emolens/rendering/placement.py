"""Places for tags beside boxes: inside the image, on no box and on no other tag."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from emolens.core.geometry import Box

SizeWH = tuple[int, int]
_Rects = npt.NDArray[np.float64]


class Spot(Enum):
    """A place beside a box: the side of the box, and the corner with which it is aligned.

    The value is (side, alignment): a side from -1 to 1 on each axis (x, y), 0 along the box, and
    whether the far corner of the box is the aligned one.
    """

    ABOVE = ((0, -1), False)
    ABOVE_RIGHT = ((0, -1), True)
    BELOW = ((0, 1), False)
    BELOW_RIGHT = ((0, 1), True)
    RIGHT = ((1, 0), False)
    LEFT = ((-1, 0), False)
    RIGHT_LOW = ((1, 0), True)
    LEFT_LOW = ((-1, 0), True)


TAG_SPOTS = tuple(Spot)
"""All spots, best first."""
Anchor = tuple[int, Spot]


@dataclass(frozen=True, slots=True)
class Place:
    """A place for a tag.

    Attributes:
        region: The place in whole pixels.
        form: Index of the size in `Wish.sizes_wh`.
        spot: Where it is, relative to the box.
    """

    region: Box
    form: int
    spot: Spot

    @property
    def anchor(self) -> Anchor:
        """Form and spot: the part of a place that can stay while the box moves."""
        return self.form, self.spot


@dataclass(frozen=True, slots=True)
class Wish:
    """The accepted sizes and spots of one tag.

    Attributes:
        box: The box to which the tag belongs, in pixels.
        sizes_wh: (width, height) in whole pixels of each form of the tag, best first.
        spots: Accepted spots, best first.
        held: Form and spot of the last place, or None. Better forms are not tried, and the spot is
            tried first.
        gap_px: Distance between box and tag.
    """

    box: Box
    sizes_wh: tuple[SizeWH, ...]
    spots: tuple[Spot, ...] = TAG_SPOTS
    held: Anchor | None = None
    gap_px: int = 0


def place_tags(
    wishes: Sequence[Wish],
    size_wh: SizeWH,
    *,
    obstacles: Sequence[Box] = (),
    first_form: int = 0,
) -> list[Place | None]:
    """Choose a place for each tag, the largest box first.

    The places are inside the image. They intersect no box of a wish, no obstacle and no other
    place. A shorter form is used only where no spot is free for a longer one.

    Args:
        wishes: The tags.
        size_wh: (width, height) of the image in pixels.
        obstacles: Further regions to leave free.
        first_form: The first form to try.

    Returns:
        One place per wish, in order; None where no form fits.
    """
    boxes = [wish.box.clip(size_wh) for wish in wishes]
    n_fixed = len(boxes) + len(obstacles)
    occupied = np.empty((n_fixed + len(wishes), 4))
    for row, box in enumerate((*boxes, *obstacles)):
        occupied[row] = box.to_tuple()
    n_occupied = n_fixed
    places: list[Place | None] = [None] * len(wishes)
    for index in sorted(range(len(wishes)), key=lambda index: -boxes[index].area):
        place = _choose(wishes[index], boxes[index], size_wh, first_form, occupied[:n_occupied])
        if place is not None:
            occupied[n_occupied] = place.region.to_tuple()
            n_occupied += 1
        places[index] = place
    return places


def free_corner(
    item_wh: SizeWH,
    size_wh: SizeWH,
    obstacles: Sequence[Box],
    *,
    margin_px: int = 0,
    corners: Sequence[tuple[float, float]],
) -> tuple[float, float] | None:
    """Return the first free corner for an item.

    Args:
        item_wh: (width, height) of the item in pixels.
        size_wh: (width, height) of the image in pixels.
        obstacles: Regions to leave free.
        margin_px: Distance between item and edges.
        corners: Corners to try, as shares (x, y) of the free width and height: (1, 0) is the upper
            right corner, (0.5, 1) the middle of the lower edge.

    Returns:
        The corner, see `corner_region`, or None if none is free.
    """
    if any(item > side - 2 * margin_px for item, side in zip(item_wh, size_wh, strict=True)):
        return None
    occupied = np.array([box.to_tuple() for box in obstacles]).reshape(-1, 4)
    for corner in corners:
        region = corner_region(corner, item_wh, size_wh, margin_px=margin_px)
        if not _is_hit(np.array([region.to_tuple()]), occupied)[0]:
            return corner
    return None


def corner_region(
    corner: tuple[float, float], item_wh: SizeWH, size_wh: SizeWH, *, margin_px: int = 0
) -> Box:
    """Return the region of an item in a corner of `free_corner`, in whole pixels."""
    left, top = (
        margin_px + round(share * (side - 2 * margin_px - item))
        for share, item, side in zip(corner, item_wh, size_wh, strict=True)
    )
    return Box(left, top, left + item_wh[0], top + item_wh[1])


def _choose(
    wish: Wish, box: Box, size_wh: SizeWH, first_form: int, occupied: _Rects
) -> Place | None:
    """Return the first free place inside the image, best form first, then best spot."""
    spots: Sequence[Spot] = wish.spots
    if wish.held is not None:
        held_form, held_spot = wish.held
        first_form = max(first_form, min(held_form, len(wish.sizes_wh) - 1))
        spots = (held_spot, *(spot for spot in spots if spot is not held_spot))
    for form in range(first_form, len(wish.sizes_wh)):
        width, height = wish.sizes_wh[form]
        found, regions = [], []
        for spot in spots:
            left, top = _corner_xy(spot, box, (width, height), size_wh, wish.gap_px)
            if 0 <= left <= size_wh[0] - width and 0 <= top <= size_wh[1] - height:
                found.append(spot)
                regions.append((left, top, left + width, top + height))
        index = _first_free(regions, occupied)
        if index is not None:
            return Place(Box(*regions[index]), form, found[index])
    return None


def _corner_xy(
    spot: Spot, box: Box, item_wh: SizeWH, size_wh: SizeWH, gap_px: int
) -> tuple[int, int]:
    (side_x, side_y), is_far = spot.value
    left = _along(side_x, (box.x_min, box.x_max), item_wh[0], size_wh[0], gap_px, is_far=is_far)
    top = _along(side_y, (box.y_min, box.y_max), item_wh[1], size_wh[1], gap_px, is_far=is_far)
    return left, top


def _along(
    side: int, edges: tuple[float, float], item: int, image: int, gap_px: int, *, is_far: bool
) -> int:
    """Return the lower edge of an item on one axis: before the box, after it or along it."""
    low, high = edges
    if side < 0:
        return math.floor(low) - gap_px - item
    if side > 0:
        return math.ceil(high) + gap_px
    wanted = math.ceil(high) - item if is_far else math.floor(low)
    return min(max(wanted, 0), image - item)


def _first_free(regions: list[tuple[int, int, int, int]], occupied: _Rects) -> int | None:
    if not regions:
        return None
    hits = _is_hit(np.array(regions), occupied)
    index = int(hits.argmin())
    return None if hits[index] else index


def _is_hit(regions: _Rects, occupied: _Rects) -> npt.NDArray[np.bool_]:
    """Return for each region, shape (R, 4), whether it intersects a rectangle, shape (N, 4)."""
    x_min, y_min, x_max, y_max = regions.T[:, :, None]
    other_x_min, other_y_min, other_x_max, other_y_max = occupied.T
    return np.asarray(
        (
            (x_min < other_x_max)
            & (x_max > other_x_min)
            & (y_min < other_y_max)
            & (y_max > other_y_min)
        ).any(axis=1)
    )
