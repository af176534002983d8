"""The status text in a corner of a stream."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from emolens.core.geometry import Box
from emolens.rendering.pen import Pen, inclusive
from emolens.rendering.placement import corner_region, free_corner

# Shares of the image's width and height that the text may cover.
_MAX_WIDTH: Final = 0.5
_MAX_HEIGHT: Final = 0.1
_HEIGHT: Final = 1.4
_MARGIN: Final = 0.4
# Shares (x, y) of the free width and height: upper right corner first.
_CORNERS: Final = ((1.0, 0.0), (0.0, 0.0))
_SEPARATOR: Final = " · "


@dataclass(frozen=True, slots=True)
class Status:
    """A status text in its place.

    Attributes:
        text: The text.
        region: The region in whole pixels.
    """

    text: str
    region: Box

    def draw(self, pen: Pen) -> None:
        """Draw the text on a panel."""
        pen.panel(inclusive(self.region), radius=self.region.height / 4)
        pen.write(self.region.center_xy, self.text, is_centered=True)


class StatusCorner:
    """The corner of the status text; it changes only when a face comes into it."""

    def __init__(self) -> None:
        self._last = _CORNERS[0]

    def plan(self, pen: Pen, text: str, obstacles: Sequence[Box]) -> Status | None:
        """Choose a corner.

        Args:
            pen: The pen.
            text: The text; its last parts are omitted where it is wider than half the image.
            obstacles: Regions to leave free.

        Returns:
            The status, or None if the image is too small or no upper corner is free.
        """
        margin = pen.text_px * _MARGIN
        short = _shortened(pen, text, pen.size_wh[0] * _MAX_WIDTH - 2 * margin)
        height = math.ceil(pen.small_px * _HEIGHT)
        if not short or height > pen.size_wh[1] * _MAX_HEIGHT:
            return None
        item_wh = (math.ceil(pen.width_of(short) + 2 * margin), height)
        corners = (self._last, *_CORNERS)
        edge_px = round(margin)
        corner = free_corner(item_wh, pen.size_wh, obstacles, margin_px=edge_px, corners=corners)
        if corner is None:
            return None
        self._last = corner
        return Status(short, corner_region(corner, item_wh, pen.size_wh, margin_px=edge_px))


def _shortened(pen: Pen, text: str, width_px: float) -> str:
    parts = text.split(_SEPARATOR)
    while parts and pen.width_of(_SEPARATOR.join(parts)) > width_px:
        parts.pop()
    return _SEPARATOR.join(parts)
