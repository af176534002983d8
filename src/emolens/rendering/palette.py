"""Colours of classes and tracks, distinguishable with any colour vision."""

from emolens.core.emotion import Emotion

Color = tuple[int, int, int]

# Okabe & Ito 2008, "Color Universal Design"; RGB.
EMOTION_RGB: dict[Emotion, Color] = {
    Emotion.ANGRY: (213, 94, 0),
    Emotion.DISGUST: (0, 158, 115),
    Emotion.FEAR: (204, 121, 167),
    Emotion.HAPPY: (240, 228, 66),
    Emotion.SAD: (0, 114, 178),
    Emotion.SURPRISE: (86, 180, 233),
    Emotion.NEUTRAL: (230, 230, 230),
}
ABSTAINED_RGB: Color = (150, 150, 150)
# Paul Tol 2021, "Colour Schemes", the scheme "light": black text is legible on all colours.
_TRACK_RGB: tuple[Color, ...] = (
    (119, 170, 221),
    (238, 136, 102),
    (238, 221, 136),
    (255, 170, 187),
    (153, 221, 255),
    (68, 187, 153),
    (187, 204, 51),
    (170, 170, 0),
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
