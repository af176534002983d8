import itertools

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.rendering.palette import (
    ABSTAINED_RGB,
    EDGE_RGB,
    EMOTION_RGB,
    PANEL_RGB,
    PANEL_TEXT_RGB,
    Color,
    text_rgb,
    track_rgb,
)

# Machado et al. 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# severity 1; on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# sRGB to XYZ, IEC 61966-2-1, relative to its white.
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = TO_XYZ.sum(axis=1)
Lab = npt.NDArray[np.float64]


def linear_rgb(color: Color) -> npt.NDArray[np.float64]:
    channels = np.array(color) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear, np.float64)


def seen(color: Color, vision: str) -> Lab:
    """CIELAB of a colour as seen with a colour vision."""
    linear = np.clip(VISIONS[vision] @ linear_rgb(color), 0, 1)
    xyz = TO_XYZ @ linear / WHITE
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: Lab, other: Lab) -> float:
    """CIEDE2000; 1 is hardly noticeable side by side, 10 is noticed at a glance."""
    lightness = np.array([one[0], other[0]])
    a, b = np.array([[one[1], other[1]], [one[2], other[2]]])
    mean_chroma = np.hypot(a, b).mean()
    a = a * (1 + 0.5 * (1 - np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25**7))))
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
    turn = (hue[1] - hue[0] + 180) % 360 - 180
    is_gray = chroma.prod() < 1e-12
    mean_hue = hue.sum() if is_gray else (hue[0] + turn / 2) % 360
    d_hue = 0.0 if is_gray else 2 * np.sqrt(chroma.prod()) * np.sin(np.radians(turn / 2))
    mean_l, mean_c = lightness.mean(), chroma.mean()
    waves = [(-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63)]
    t = 1 + sum(w * np.cos(np.radians(n * mean_hue + shift)) for w, n, shift in waves)
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    parts = np.diff(lightness)[0] / s_l, np.diff(chroma)[0] / (1 + 0.045 * mean_c)
    hue_part = d_hue / (1 + 0.015 * mean_c * t)
    around = 60 * np.exp(-(((mean_hue - 275) / 25) ** 2))
    r_t = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25**7)) * np.sin(np.radians(around))
    total = parts[0] ** 2 + parts[1] ** 2 + hue_part**2 + r_t * parts[1] * hue_part
    return float(np.sqrt(total))


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.2: 1 to 21."""

    low, high = sorted(float(linear_rgb(color) @ TO_XYZ[1]) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", [*EMOTION_RGB.values(), ABSTAINED_RGB, *map(track_rgb, range(8))])
def test_text_on_every_colour_is_legible(color: Color) -> None:
    assert contrast(color, text_rgb(color)) >= 4.5


def test_text_on_panels_is_legible() -> None:
    assert contrast(PANEL_RGB, PANEL_TEXT_RGB) >= 7


def test_every_class_has_its_own_colour() -> None:
    assert set(EMOTION_RGB) == set(Emotion)
    assert len({*EMOTION_RGB.values(), ABSTAINED_RGB}) == 8


@pytest.mark.parametrize("vision", VISIONS)
def test_classes_are_told_apart_with_any_colour_vision(vision: str) -> None:
    for one, other in itertools.combinations(EMOTION_RGB, 2):
        colors = [seen(EMOTION_RGB[emotion], vision) for emotion in (one, other)]
        assert difference(*colors) > 10, (one, other)


@pytest.mark.parametrize("vision", VISIONS)
def test_no_track_has_the_colour_of_an_expression(vision: str) -> None:
    tracks = [track_rgb(number) for number in range(1, 9)]
    for track, label in itertools.product(tracks, (*EMOTION_RGB.values(), ABSTAINED_RGB)):
        assert difference(seen(track, vision), seen(label, vision)) > 20


def test_neutral_uncertain_and_absent_differ_in_contrast() -> None:
    """In the strip of a stream, whose ground is dark. WCAG 2.2, 1.4.11: at least 3."""
    neutral = EMOTION_RGB[Emotion.NEUTRAL]
    for one, other in itertools.combinations((neutral, ABSTAINED_RGB, PANEL_RGB), 2):
        assert contrast(one, other) >= 3
    for emotion in EMOTION_RGB.values():
        assert contrast(emotion, PANEL_RGB) >= 3


def test_on_a_white_page_the_lines_of_uncertain_and_the_edge_of_neutral_are_visible() -> None:
    white = (255, 255, 255)
    assert contrast(ABSTAINED_RGB, white) >= 3
    assert contrast(EDGE_RGB, white) >= 3
    assert contrast(ABSTAINED_RGB, EMOTION_RGB[Emotion.NEUTRAL]) >= 3


def test_the_difference_of_colours_is_that_of_the_literature() -> None:
    """Sharma et al. 2005, "The CIEDE2000 Color-Difference Formula", table 1."""
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for one, other, expected in pairs:
        assert difference(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


def test_tracks_have_eight_colours_in_turn() -> None:
    assert len({track_rgb(number) for number in range(1, 9)}) == 8
    assert track_rgb(1) == track_rgb(9) == track_rgb(8001)
