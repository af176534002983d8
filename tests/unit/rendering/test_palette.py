import itertools

import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.rendering.palette import (
    ABSTAINED_RGB,
    EMOTION_RGB,
    PANEL_RGB,
    PANEL_TEXT_RGB,
    Color,
    text_rgb,
    track_rgb,
)


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.2: 1 to 21."""

    def luminance(color: Color) -> float:
        channels = np.array(color) / 255
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", [*EMOTION_RGB.values(), ABSTAINED_RGB, *map(track_rgb, range(8))])
def test_text_on_every_colour_is_legible(color: Color) -> None:
    assert contrast(color, text_rgb(color)) >= 4.5


def test_text_on_panels_is_legible() -> None:
    assert contrast(PANEL_RGB, PANEL_TEXT_RGB) >= 7


def test_every_class_has_its_own_colour() -> None:
    assert set(EMOTION_RGB) == set(Emotion)
    assert len({*EMOTION_RGB.values(), ABSTAINED_RGB}) == 8
    for one, other in itertools.combinations(EMOTION_RGB.values(), 2):
        assert np.abs(np.subtract(one, other)).sum() > 60


def test_tracks_have_eight_colours_in_turn() -> None:
    assert len({track_rgb(number) for number in range(1, 9)}) == 8
    assert track_rgb(1) == track_rgb(9) == track_rgb(8001)
