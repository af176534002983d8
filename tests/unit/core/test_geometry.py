import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.core.errors import InputError
from emolens.core.geometry import Box, Framing

coordinate = st.floats(-1000, 1000)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(coordinate), draw(coordinate)
    return Box(x, y, x + draw(st.floats(0.01, 500)), y + draw(st.floats(0.01, 500)))


def test_sizes_and_center() -> None:
    box = Box(10, 20, 40, 100)
    assert (box.width, box.height, box.area) == (30, 80, 2400)
    assert box.center_xy == (25, 60)


def test_clip_keeps_the_part_inside() -> None:
    assert Box(-5, 10, 700, 500).clip((640, 480)) == Box(0, 10, 640, 480)


def test_clip_of_a_box_outside_is_empty() -> None:
    assert Box(-20, -20, -5, -5).clip((640, 480)).area == 0


def test_pad_grows_each_side_by_a_part_of_the_size() -> None:
    assert Box(10, 10, 20, 30).pad(0.1) == Box(9, 8, 21, 32)


def test_pad_cannot_turn_a_box_inside_out() -> None:
    with pytest.raises(InputError, match="pad fraction"):
        Box(0, 0, 1, 1).pad(-0.6)


def test_to_square_takes_the_longer_side() -> None:
    assert Box(0, 0, 10, 20).to_square() == Box(-5, 0, 15, 20)


def test_iou_of_known_boxes() -> None:
    assert Box(0, 0, 10, 10).iou(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert Box(0, 0, 1, 1).iou(Box(1, 0, 2, 1)) == 0
    assert Box(0, 0, 0, 0).iou(Box(0, 0, 0, 0)) == 0


@given(boxes(), boxes())
def test_iou_is_symmetric_and_bounded(first: Box, second: Box) -> None:
    assert first.iou(second) == pytest.approx(second.iou(first))
    assert 0 <= first.iou(second) <= 1 + 1e-9
    assert first.iou(first) == pytest.approx(1)


@pytest.mark.parametrize("edges", [(0, 0, -1, 1), (0, 1, 1, 0), (0, 0, math.nan, 1)])
def test_impossible_boxes_are_refused(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(InputError, match="box"):
        Box(*edges)


def test_framing_shifts_and_scales_in_box_sides() -> None:
    framing = Framing(shift_x=0.5, shift_y=-0.25, scale=2)
    # The longer side is 16, so the centre (8, 2) moves by (8, -4).
    assert framing.apply(Box(0, 0, 16, 4)) == Box.from_center((16, -2), 32)


@given(boxes(), st.floats(0.1, 10), coordinate)
def test_framing_follows_scale_and_shift_of_the_box(box: Box, factor: float, step: float) -> None:
    framing = Framing(shift_x=0.1, shift_y=-0.2, scale=1.5)
    moved = Box(*(factor * edge + step for edge in box.to_tuple()))
    expected = [factor * edge + step for edge in framing.apply(box).to_tuple()]
    assert framing.apply(moved).to_tuple() == pytest.approx(expected, abs=1e-6)


def test_the_framing_of_a_turned_face_is_shifted_along_the_face() -> None:
    framing, box = Framing(0.1, 0.3, 1.2), Box(100, 100, 200, 180)
    assert framing.apply(box).center_xy == pytest.approx((160, 170))
    # Clockwise by 90 degrees, down is left and right is down.
    turned = framing.apply(box, turn_degrees=90)
    assert turned.center_xy == pytest.approx((150 - 30, 140 + 10))
    assert turned.width == pytest.approx(120)
