"""Cached lines of text: most text of a stream repeats from frame to frame."""

from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from emolens.rendering.font import sized_font

# Class names, percentages and labels in a few sizes. A line in the largest font takes about 50 kB.
_KEPT_LINES = 512


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A rendered line of text, for drawing in any colour.

    Attributes:
        mask: Image of mode L, 255 inside letters; None if the text is empty.
        left: Offset of the left edge from the anchor in pixels.
        top: Offset of the upper edge from the anchor in pixels.
    """

    mask: Image.Image | None
    left: int
    top: int


@lru_cache(maxsize=_KEPT_LINES)
def set_line(text: str, font_px: int, anchor: str) -> Line:
    """Render a line of text.

    Args:
        text: The text.
        font_px: Size of the font in pixels.
        anchor: Anchor in Pillow's two letters, e.g. "lm" for left and middle.
    """
    font = sized_font(font_px)
    left, top, right, bottom = map(round, font.getbbox(text, anchor=anchor))
    if right <= left or bottom <= top:
        return Line(None, 0, 0)
    mask = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=font, anchor=anchor)
    return Line(mask, left, top)


@lru_cache(maxsize=_KEPT_LINES)
def line_width(text: str, font_px: int) -> float:
    """Return the width of a line of text in pixels."""
    return sized_font(font_px).getlength(text)
