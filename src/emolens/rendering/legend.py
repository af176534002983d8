"""The legend of an image with short tags or colours only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from emolens.core.emotion import Emotion
from emolens.core.geometry import Box
from emolens.rendering.palette import (
    ABSTAINED_RGB,
    PANEL_RGB,
    PANEL_TEXT_RGB,
    text_rgb,
)
from emolens.rendering.pen import Pen, inclusive
from emolens.rendering.placement import corner_region, free_corner
from emolens.rendering.wording import label_code, label_rgb, label_word

Label = Emotion | None
_ALL: Final[tuple[Label, ...]] = (*Emotion, None)
# One row along an edge or, if there is none free, a block in a corner.
_N_ROWS: Final = (1, 2, 4)
# Shares (x, y) of the free width and height: lower edge first.
_CORNERS: Final = ((0, 1), (0.5, 1), (1, 1), (0, 0), (0.5, 0), (1, 0))
_HEIGHT: Final = 1.6
_MARGIN: Final = 0.4


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend in one or more rows.

    Attributes:
        region: The region in whole pixels.
        labels: The explained labels.
        n_columns: Number of labels in a row.
    """

    region: Box
    labels: tuple[Label, ...]
    n_columns: int

    @classmethod
    def plan(cls, pen: Pen, labels: Sequence[Label], obstacles: Sequence[Box]) -> "Legend | None":
        """Plan a legend at an edge: of all labels or, if there is no room, of those present.

        Returns:
            The legend, or None without labels or without a free edge.
        """
        if not labels:
            return None
        present = tuple(label for label in _ALL if label in labels)
        for shown in (_ALL, present):
            for n_rows in _N_ROWS:
                n_columns = math.ceil(len(shown) / n_rows)
                item_wh = (_width(pen, n_columns), n_rows * _row_height(pen))
                corner = free_corner(item_wh, pen.size_wh, obstacles, corners=_CORNERS)
                if corner is not None:
                    return cls(corner_region(corner, item_wh, pen.size_wh), shown, n_columns)
        return None

    def draw(self, pen: Pen) -> None:
        """Draw the legend."""
        pen.panel(inclusive(self.region))
        column_width = self.region.width / self.n_columns
        for index, label in enumerate(self.labels):
            row, column = divmod(index, self.n_columns)
            left = self.region.x_min + column * column_width
            _draw_entry(pen, (left, self.region.y_min + row * _row_height(pen)), label)


def _draw_entry(pen: Pen, corner_xy: tuple[float, float], label: Label) -> None:
    """Draw the code of a label on its colour, and its word."""
    left, top = corner_xy
    margin, height = pen.small_px * _MARGIN, _row_height(pen)
    key = Box(
        left + margin, top + margin / 2, left + margin + _key_width(pen), top + height - margin / 2
    )
    color = PANEL_RGB if label is None else label_rgb(label)
    pen.block(inclusive(key), color, radius=margin / 2)
    if label is None:
        pen.outline(key, ABSTAINED_RGB, radius=margin / 2)
    ink = PANEL_TEXT_RGB if label is None else text_rgb(color)
    pen.write(key.center_xy, label_code(label), color=ink, is_centered=True)
    pen.write((key.x_max + margin, top + height / 2), label_word(label))


def _key_width(pen: Pen) -> float:
    return max(pen.width_of(label_code(label)) for label in _ALL) + pen.small_px * _MARGIN


def _row_height(pen: Pen) -> int:
    return math.ceil(pen.small_px * _HEIGHT)


def _width(pen: Pen, n_columns: int) -> int:
    word = max(pen.width_of(label_word(label)) for label in _ALL)
    return math.ceil(n_columns * (_key_width(pen) + word + 3 * pen.small_px * _MARGIN))
