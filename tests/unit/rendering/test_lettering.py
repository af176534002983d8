import numpy as np
import pytest
from PIL import Image, ImageDraw

from emolens.rendering.font import sized_font
from emolens.rendering.lettering import line_width, set_line

GROUND, INK = (90, 120, 150), (250, 240, 10)


@pytest.mark.parametrize("anchor", ["lm", "mm"])
@pytest.mark.parametrize("text", ["surprise 97%", "7", "gjpq", "\u00e9"])
def test_a_line_looks_as_if_it_was_drawn_in_place(text: str, anchor: str) -> None:
    direct, pasted = (Image.new("RGB", (160, 60), GROUND) for _ in range(2))
    ImageDraw.Draw(direct, "RGBA").text(
        (60, 30), text, fill=INK, font=sized_font(17), anchor=anchor
    )
    line = set_line(text, 17, anchor)
    assert line.mask is not None
    ImageDraw.Draw(pasted, "RGBA").bitmap((60 + line.left, 30 + line.top), line.mask, fill=INK)
    np.testing.assert_array_equal(np.array(pasted), np.array(direct))


def test_a_line_without_letters_has_no_mask() -> None:
    assert set_line("", 17, "lm").mask is None
    assert line_width("", 17) == 0


def test_lines_are_set_once() -> None:
    assert set_line("happy 90%", 15, "lm") is set_line("happy 90%", 15, "lm")
    assert line_width("happy", 30) > line_width("happy", 15) > 0
