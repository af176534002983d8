import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.geometry import Box
from emolens.rendering.palette import EMOTION_RGB, PANEL_RGB, track_rgb
from emolens.rendering.pen import Pen
from emolens.rendering.tags import Tag, TagForm, tag_text_px
from tests.unit.rendering.results import face

LARGE = Box(100, 100, 300, 350)


def blank_pen(width: int = 640, height: int = 480) -> Pen:
    return Pen(np.full((height, width, 3), 127, np.uint8))


def tag_of(
    box: Box = LARGE,
    *,
    label: Emotion | None = Emotion.HAPPY,
    track_id: int | None = None,
    number: int | None = None,
    text_px: int = 16,
) -> Tag:
    return Tag.of_face(blank_pen(), face(box, track_id=track_id, label=label), number, text_px)


def test_the_forms_get_shorter() -> None:
    tag = tag_of(number=12)
    assert tag.texts == ("happy 70%", "happy", "ha", "")
    widths = [width for width, _height in tag.sizes_wh(blank_pen())]
    assert widths == sorted(set(widths), reverse=True)
    assert len(widths) == TagForm.NUMBER + 1


def test_without_a_number_there_is_no_form_of_a_number() -> None:
    assert tag_of().texts == ("happy 70%", "happy", "ha")


def test_the_number_of_a_track_comes_before_the_number_of_the_face() -> None:
    assert tag_of(track_id=7, number=1).number == 7
    assert tag_of(number=1).number == 1


def test_reasons_are_given_only_where_the_tag_is_not_much_wider_than_the_face() -> None:
    assert tag_of(label=None).texts[0] == "uncertain (too small)"
    small = tag_of(Box(0, 0, 40, 48), label=None, text_px=11)
    assert small.texts[:2] == ("uncertain", "uncertain")


@pytest.mark.parametrize("form", [TagForm.FULL, TagForm.WORD, TagForm.CODE, TagForm.NUMBER])
@pytest.mark.parametrize("label", [Emotion.HAPPY, None])
@pytest.mark.parametrize("track_id", [None, 3, 123456])
def test_a_tag_is_drawn_within_its_region(
    form: TagForm, label: Emotion | None, track_id: int | None
) -> None:
    pen, tag = blank_pen(), tag_of(label=label, track_id=track_id, number=5)
    width, height = tag.sizes_wh(pen)[form]
    tag.draw(pen, Box(40, 30, 40 + width, 30 + height), form)
    changed = (pen.to_bgr() != 127).any(axis=2)
    assert changed[30 : 30 + height, 40 : 40 + width].mean() > 0.9
    changed[30 : 30 + height, 40 : 40 + width] = False
    assert not changed.any()


def colors_of(tag: Tag, form: TagForm) -> set[tuple[int, ...]]:
    pen = blank_pen()
    width, height = tag.sizes_wh(pen)[form]
    tag.draw(pen, Box(40, 30, 40 + width, 30 + height), form)
    return {tuple(color) for color in pen.to_bgr()[:, :, ::-1].reshape(-1, 3).tolist()}


def test_a_tag_has_the_colour_of_its_label_and_a_chip_for_its_number() -> None:
    happy = EMOTION_RGB[Emotion.HAPPY]
    assert {happy, track_rgb(2)} <= colors_of(tag_of(track_id=2), TagForm.FULL)
    assert {happy, PANEL_RGB} <= colors_of(tag_of(number=2), TagForm.FULL)
    assert track_rgb(2) not in colors_of(tag_of(track_id=2), TagForm.NUMBER)
    assert PANEL_RGB in colors_of(tag_of(label=None), TagForm.FULL)


@pytest.mark.parametrize(("side", "text_px"), [(10, 11), (60, 11), (75, 16), (110, 22), (400, 22)])
def test_the_text_grows_with_the_face_up_to_the_size_of_the_image(side: int, text_px: int) -> None:
    assert tag_text_px(22, Box(0, 0, side / 2, side)) == text_px


def test_in_a_large_image_no_text_is_tiny() -> None:
    assert tag_text_px(64, Box(0, 0, 30, 40)) == 32


def test_a_size_stays_while_a_face_changes_a_little() -> None:
    sizes, last_px = [], None
    for side in [110, 95, 92, 95, 91, 96]:
        last_px = tag_text_px(22, Box(0, 0, side, side), last_px)
        sizes.append(last_px)
    assert sizes == [22] * 6
    assert tag_text_px(22, Box(0, 0, 70, 70), 22) == 16
    # The image got smaller.
    assert tag_text_px(15, Box(0, 0, 110, 110), 22) == 15
