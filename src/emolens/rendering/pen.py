"""Drawing primitives with sizes relative to the image."""

import math
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from emolens.core.geometry import Box
from emolens.rendering.lettering import line_width, set_line
from emolens.rendering.palette import PANEL_RGB, PANEL_TEXT_RGB, Color

# Text height as a share of the image's shorter side, with limits in pixels.
_TEXT_PART = 1 / 32
_TEXT_PX = (11, 64)
# Frames around small faces are thinner: a share of the longer side of the box.
_FRAME_PART: Final = 1 / 24
_MAX_DASHES: Final = 6
PANEL_OPACITY: Final = 200

Corners = tuple[float, float, float, float]
_Ink = tuple[int, int, int, int]


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
        self.small_px = max(_TEXT_PX[0], round(self.text_px * 0.8))

    @property
    def size_wh(self) -> tuple[int, int]:
        """(width, height) of the image in pixels."""
        return self._canvas.size

    def to_bgr(self) -> npt.NDArray[np.uint8]:
        """Return the image so far as uint8 (H, W, 3) BGR."""
        # Copy, because Pillow's buffer is read-only.
        return np.array(self._canvas)

    def panel(self, corners: Corners, *, opacity: int = PANEL_OPACITY, radius: float = 0) -> None:
        """Draw a dark background for text, (x_min, y_min, x_max, y_max) in pixels, inclusive."""
        self._rounded(corners, radius, fill=_ink(PANEL_RGB, opacity))

    def block(self, corners: Corners, color: Color, *, radius: float = 0) -> None:
        """Draw a filled rectangle, (x_min, y_min, x_max, y_max) in pixels, inclusive."""
        self._rounded(corners, radius, fill=_ink(color))

    def hatch(self, corners: Corners, color: Color) -> None:
        """Draw diagonal lines in a rectangle, (x_min, y_min, x_max, y_max) in pixels, inclusive."""
        left, top, right, bottom = (round(edge) for edge in corners)
        if right < left or bottom < top:
            return
        period = 5 * self.line_px
        # The lines start at whole periods of the image, so they do not move with the rectangle.
        lines = _hatch_lines(self.size_wh[0] + period, bottom + 1 - top, period, 2 * self.line_px)
        start = left % period
        part = lines.crop((start, 0, start + right + 1 - left, lines.height))
        self._draw.bitmap((left, top), part, fill=_ink(color))

    def outline(self, box: Box, color: Color, *, radius: float = 0) -> None:
        """Draw a thin line along the inside of a box."""
        self._rounded(inclusive(box), radius, outline=_ink(color))

    def write(
        self,
        xy: tuple[float, float],
        text: str,
        *,
        color: Color = PANEL_TEXT_RGB,
        px: int | None = None,
        is_centered: bool = False,
    ) -> None:
        """Write a line of text, vertically centred at a point in pixels.

        Args:
            xy: The left end or the centre of the text.
            text: The text.
            color: RGB.
            px: Size of the font in pixels; the default is `small_px`.
            is_centered: Whether `xy` is the centre.
        """
        line = set_line(text, px or self.small_px, "mm" if is_centered else "lm")
        if line.mask is not None:
            corner = (round(xy[0]) + line.left, round(xy[1]) + line.top)
            self._draw.bitmap(corner, line.mask, fill=_ink(color))

    def width_of(self, text: str, *, px: int | None = None) -> float:
        """Return the width of a line of text in pixels; the default size is `small_px`."""
        return line_width(text, px or self.small_px)

    def frame_px(self, box: Box) -> int:
        """Return the line width of the frame around a box in pixels."""
        wanted = round(max(box.width, box.height) * _FRAME_PART)
        return min(max(wanted, 1), self.line_px)

    def frame(self, box: Box, color: Color, *, is_dashed: bool = False) -> None:
        """Draw a rounded frame with a dark outline, visible on any background."""
        line_px = self.frame_px(box)
        radius = min(box.width, box.height) / 12
        dark, outer = _ink((0, 0, 0), 160), inclusive(box, grow=line_px / 2)
        self._rounded(outer, radius, outline=dark, width=2 * line_px)
        if is_dashed:
            self._dashes(inclusive(box), line_px, color)
        else:
            self._rounded(inclusive(box), radius, outline=_ink(color), width=line_px)

    def _rounded(
        self,
        corners: Corners,
        radius: float,
        *,
        fill: _Ink | None = None,
        outline: _Ink | None = None,
        width: int = 1,
    ) -> None:
        # With fractions, Pillow draws some pixels of translucent corners twice.
        whole = tuple(round(edge) for edge in corners)
        self._draw.rounded_rectangle(whole, round(radius), fill, outline, width)

    def _dashes(self, corners: Corners, line_px: int, color: Color) -> None:
        x_min, y_min, x_max, y_max = corners
        width, ink = line_px - 1, _ink(color)
        for start, end in _dashes_along(x_min, x_max, line_px):
            for y in (y_min, y_max - width):
                self._draw.rectangle((start, y, end, max(y, y + width)), fill=ink)
        for start, end in _dashes_along(y_min, y_max, line_px):
            for x in (x_min, x_max - width):
                self._draw.rectangle((x, start, max(x, x + width), end), fill=ink)


def _dashes_along(low: float, high: float, line_px: int) -> list[tuple[float, float]]:
    """Return (start, end) of dashes from corner to corner, with gaps as long as the dashes."""
    length = high - low
    n_dashes = min(max(round(length / (12 * line_px)), 2), _MAX_DASHES)
    step = length / (2 * n_dashes - 1)
    return [(low + 2 * n * step, low + (2 * n + 1) * step) for n in range(n_dashes)]


@lru_cache(maxsize=8)
def _hatch_lines(width: int, height: int, period: int, line_px: int) -> Image.Image:
    """Return an image of mode L with diagonal lines of 255."""
    diagonal = np.add.outer(np.arange(height), np.arange(width)) % period
    return Image.fromarray(np.where(diagonal < line_px, np.uint8(255), np.uint8(0)))


def inclusive(box: Box, grow: float = 0.0) -> Corners:
    """Return the corners of a box, grown on each side, as Pillow's inclusive pixel indices."""
    x_min, y_min = math.floor(box.x_min - grow), math.floor(box.y_min - grow)
    x_max, y_max = math.ceil(box.x_max + grow) - 1, math.ceil(box.y_max + grow) - 1
    return x_min, y_min, max(x_max, x_min), max(y_max, y_min)


def _ink(color: Color, opacity: int = 255) -> _Ink:
    red, green, blue = color
    return blue, green, red, opacity
