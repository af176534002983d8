"""Colours of classes and tracks, distinguishable with any colour vision."""

from emolens.core.emotion import Emotion

Color = tuple[int, int, int]

# Okabe & Ito 2008, "Color Universal Design"; RGB. At least 10 apart (CIEDE2000) with normal vision
# and with each of the three kinds of colour blindness: tests/unit/rendering/test_palette.py.
EMOTION_RGB: dict[Emotion, Color] = {
    Emotion.ANGRY: (213, 94, 0),
    Emotion.DISGUST: (0, 158, 115),
    Emotion.FEAR: (204, 121, 167),
    Emotion.HAPPY: (240, 228, 66),
    Emotion.SAD: (0, 114, 178),
    Emotion.SURPRISE: (86, 180, 233),
    Emotion.NEUTRAL: (230, 230, 230),
}
# Abstention is drawn as lines (hatched areas, dashed frames), never as a filled area. Its contrast
# (WCAG 2.2) is above 3 to neutral, to a dark panel and to a white page.
ABSTAINED_RGB: Color = (128, 128, 128)
# The edge of light areas on a white page.
EDGE_RGB: Color = (128, 128, 128)
# Dark and muted, while all expressions are lighter: nobody reads a track as an expression.
_TRACK_RGB: tuple[Color, ...] = (
    (38, 44, 62),
    (66, 38, 52),
    (40, 58, 44),
    (70, 52, 30),
    (56, 40, 74),
    (30, 58, 66),
    (72, 40, 36),
    (58, 58, 34),
)
PANEL_RGB: Color = (24, 24, 27)
PANEL_TEXT_RGB: Color = (245, 245, 245)


def track_rgb(track_id: int) -> Color:
    """Return the RGB colour of a track id. The colours repeat after eight tracks."""
    return _TRACK_RGB[(track_id - 1) % len(_TRACK_RGB)]


def text_rgb(background: Color) -> Color:
    """Return black or white, whichever has more contrast (WCAG 2.2, relative luminance)."""
    return (0, 0, 0) if _luminance(background) > 0.179 else (255, 255, 255)


def _luminance(color: Color) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in color)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
