"""Lines of text that are set once and drawn many times: most of what a stream shows stays."""

from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from emolens.rendering.font import sized_font

# Names of classes, shares of a hundred and the labels made of both; a line of the largest font
# takes about 50 kB.
_KEPT_LINES = 256


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of text, ready to be drawn in any colour.

    Attributes:
        mask: Image of mode L, 255 where the letters are; None where there is nothing to see.
        left: Where its left edge stands from the point that is drawn at, in whole pixels.
        top: The same for its upper edge.
    """

    mask: Image.Image | None
    left: int
    top: int


@lru_cache(maxsize=_KEPT_LINES)
def set_line(text: str, font_px: int, anchor: str) -> Line:
    """Set a line of text.

    Args:
        text: What it says.
        font_px: Size of the font in pixels.
        anchor: Which point of the text is drawn at, in Pillow's two letters, e.g. "lm" for the
            middle of its left end.
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
    """How wide a line of text is, in pixels."""
    return sized_font(font_px).getlength(text)
