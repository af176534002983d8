"""The font of labels and plots."""

from functools import lru_cache

from PIL import ImageFont


@lru_cache(maxsize=32)
def sized_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Load Pillow's default font at a size in pixels.

    Raises:
        TypeError: Pillow is built without FreeType.
    """
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow is built without FreeType. Install Pillow from its wheel.")
    return font
