"""The font that figures are labelled with."""

from functools import lru_cache

from PIL import ImageFont


@lru_cache(maxsize=8)
def sized_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font at a size in pixels; raises `TypeError` without FreeType."""
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):  # a Pillow built without FreeType
        raise TypeError("drawing labels needs a Pillow with FreeType, as its wheels have")
    return font
