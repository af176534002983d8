"""Drawing primitives with sizes relative to the image."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from emolens.core.emotion import LABELS, Emotion, EmotionScores
from emolens.core.geometry import Box
from emolens.rendering.lettering import line_width, set_line
from emolens.rendering.palette import (
    EMOTION_RGB,
    PANEL_RGB,
    PANEL_TEXT_RGB,
    Color,
    text_rgb,
    track_rgb,
)

# Text height as a share of the image's shorter side, with limits in pixels.
_TEXT_PART = 1 / 32
_TEXT_PX = (11, 64)
# Minimum face height for bars, in text heights. Smaller faces get a label only.
_BARS_FROM = 5.5
_BAR_ROW = 1.25
PANEL_OPACITY: Final = 200

Corners = tuple[float, float, float, float]


class Pen:
    """A pen that draws on a copy of one image.

    Colours are RGB, and opacities are 0 to 255. Internally Pillow receives the BGR bytes as RGB and
    the colours in reverse order, because converting a 4K frame takes longer than drawing on it.

    Args:
        image: uint8 (H, W, 3) BGR; not changed.
    """

    def __init__(self, image: npt.NDArray[np.uint8]) -> None:
        self._canvas = Image.fromarray(np.ascontiguousarray(image))
        self._draw = ImageDraw.Draw(self._canvas, "RGBA")
        shorter = min(self._canvas.size)
        self.text_px = round(min(max(shorter * _TEXT_PART, _TEXT_PX[0]), _TEXT_PX[1]))
        self.line_px = max(1, round(self.text_px / 7))
        self._small_px = max(_TEXT_PX[0], round(self.text_px * 0.8))

    @property
    def size_wh(self) -> tuple[int, int]:
        """(width, height) of the image in pixels."""
        return self._canvas.size

    def to_bgr(self) -> npt.NDArray[np.uint8]:
        """Return the image so far as uint8 (H, W, 3) BGR."""
        # Copy, because Pillow's buffer is read-only.
        return np.array(self._canvas)

    def panel(self, corners: Corners, *, opacity: int = PANEL_OPACITY, radius: float = 0) -> None:
        """Draw a dark background for text, (x_min, y_min, x_max, y_max) in pixels."""
        self._draw.rounded_rectangle(corners, radius, fill=_ink(PANEL_RGB, opacity))

    def block(self, corners: Corners, color: Color, *, radius: float = 0) -> None:
        """Draw a filled rectangle, (x_min, y_min, x_max, y_max) in pixels."""
        self._draw.rounded_rectangle(corners, radius, fill=_ink(color))

    def write(
        self,
        xy: tuple[float, float],
        text: str,
        *,
        color: Color = PANEL_TEXT_RGB,
        small: bool = True,
    ) -> None:
        """Write a line of text, left-aligned and vertically centred at a point in pixels."""
        self._set(xy, text, color, anchor="lm", small=small)

    def width_of(self, text: str, *, small: bool = True) -> float:
        """Return the width of a line of text in pixels."""
        return line_width(text, self._small_px if small else self.text_px)

    def _set(
        self, xy: tuple[float, float], text: str, color: Color, *, anchor: str, small: bool
    ) -> None:
        line = set_line(text, self._small_px if small else self.text_px, anchor)
        if line.mask is not None:
            corner = (round(xy[0]) + line.left, round(xy[1]) + line.top)
            self._draw.bitmap(corner, line.mask, fill=_ink(color))

    def box(self, box: Box, color: Color) -> None:
        """Draw a rounded frame with a dark outline, visible on any background."""
        radius = min(box.width, box.height) / 12
        outer = _corners(box, grow=self.line_px / 2)
        self._draw.rounded_rectangle(
            outer, radius, outline=_ink((0, 0, 0), 160), width=2 * self.line_px
        )
        self._draw.rounded_rectangle(_corners(box), radius, outline=_ink(color), width=self.line_px)

    def label(self, box: Box, text: str, color: Color, track_id: int | None = None) -> None:
        """Draw a filled tag above a box, or inside its top edge if there is no space above.

        The track id precedes the text on the track's colour.
        """
        margin = self.text_px * 0.35
        number = "" if track_id is None else str(track_id)
        chip = self.width_of(number, small=False) + 2 * margin if number else 0.0
        width = chip + self.width_of(text, small=False) + 2 * margin
        height = self.text_px * 1.5
        x = min(max(box.x_min, 0), max(self._canvas.width - width, 0))
        above = box.y_min - height - self.line_px
        y = above if above >= 0 else max(box.y_min, 0)
        self.block((x, y, x + width, y + height), color, radius=height / 5)
        if track_id is not None:
            self.chip((x, y, x + chip, y + height), track_id, small=False)
        self.write((x + chip + margin, y + height / 2), text, color=text_rgb(color), small=False)

    def chip(self, corners: Corners, track_id: int, *, small: bool = True) -> None:
        """Draw a track id on its colour, centred in (x_min, y_min, x_max, y_max) in pixels."""
        x_min, y_min, x_max, y_max = corners
        color = track_rgb(track_id)
        self.block(corners, color, radius=(y_max - y_min) / 5)
        middle = (x_min + x_max) / 2, (y_min + y_max) / 2
        self._set(middle, str(track_id), text_rgb(color), anchor="mm", small=small)

    def bars(self, box: Box, scores: EmotionScores, taken: list[Box]) -> None:
        """Draw a panel with one bar per class next to a box, and append its region to `taken`."""
        if box.height < _BARS_FROM * self.text_px:
            return
        row = self._small_px * _BAR_ROW
        names_width = max(self.width_of(f"{label} ") for label in LABELS)
        size_wh = (names_width + 8.5 * row, row * (len(LABELS) + 0.6))
        panel = self._free_region(box, size_wh, taken)
        if panel is None:
            return
        taken.append(panel)
        self.panel(_corners(panel), radius=row / 3)
        self._bar_rows(panel, scores, row, names_width)

    def _bar_rows(self, panel: Box, scores: EmotionScores, row: float, names_width: float) -> None:
        left = panel.x_min + row / 2
        start = left + names_width
        longest = panel.x_max - start - 3.2 * row
        for index, emotion in enumerate(Emotion):
            middle = panel.y_min + row * (index + 0.8)
            probability = scores[emotion]
            length = max(probability * longest, 1)
            bar = (start, middle - row * 0.3, start + length, middle + row * 0.3)
            self.block(bar, EMOTION_RGB[emotion])
            self.write((left, middle), emotion.label)
            self.write((start + length + row * 0.3, middle), f"{probability:.0%}")

    def _free_region(
        self, box: Box, size_wh: tuple[float, float], taken: Sequence[Box]
    ) -> Box | None:
        """Return the first free region inside the image: right of the box, left, or below."""
        width, height = size_wh
        gap = 2 * self.line_px
        y = min(max(box.y_min, 0), max(self._canvas.height - height, 0))
        x = min(max(box.x_min, 0), max(self._canvas.width - width, 0))
        corners = (
            (box.x_max + gap, y),
            (box.x_min - gap - width, y),
            (x, box.y_max + gap),
        )
        for left, top in corners:
            region = Box(left, top, left + width, top + height)
            is_inside = region.clip(self._canvas.size) == region
            if is_inside and all(region.iou(other) == 0 for other in taken):
                return region
        return None


def _corners(box: Box, grow: float = 0.0) -> Corners:
    # Pillow's corners are inclusive pixel indices.
    x_min, y_min = math.floor(box.x_min - grow), math.floor(box.y_min - grow)
    x_max, y_max = math.ceil(box.x_max + grow) - 1, math.ceil(box.y_max + grow) - 1
    return x_min, y_min, max(x_max, x_min), max(y_max, y_min)


def _ink(color: Color, opacity: int = 255) -> tuple[int, int, int, int]:
    red, green, blue = color
    return blue, green, red, opacity
