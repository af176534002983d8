import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.geometry import Box
from emolens.rendering.legend import Legend
from emolens.rendering.palette import EMOTION_RGB
from emolens.rendering.pen import Pen

LABELS = [Emotion.SAD, None, Emotion.HAPPY, Emotion.SAD]


def blank_pen(width: int = 1280, height: int = 720) -> Pen:
    return Pen(np.full((height, width, 3), 127, np.uint8))


def test_a_wide_image_explains_all_labels_in_a_row_at_its_lower_edge() -> None:
    legend = Legend.plan(blank_pen(), LABELS, [])
    assert legend is not None
    assert legend.labels == (*Emotion, None)
    assert legend.n_columns == 8
    assert legend.region.y_max == 720


def test_it_moves_to_another_edge_or_becomes_a_block() -> None:
    low = Box(0, 600, 1280, 700)
    legend = Legend.plan(blank_pen(), LABELS, [low])
    assert legend is not None
    assert legend.region.y_min == 0
    middle = Box(300, 0, 1280, 720)
    legend = Legend.plan(blank_pen(), LABELS, [middle])
    assert legend is not None
    assert legend.n_columns == 2
    assert legend.region.x_max <= 300


def test_with_less_room_only_the_labels_of_the_image_are_explained() -> None:
    legend = Legend.plan(blank_pen(), LABELS, [Box(120, 0, 1280, 720)])
    assert legend is None or legend.labels == (Emotion.HAPPY, Emotion.SAD, None)
    legend = Legend.plan(blank_pen(320, 240), LABELS, [Box(0, 20, 320, 220)])
    assert legend is not None
    assert legend.labels == (Emotion.HAPPY, Emotion.SAD, None)


def test_without_room_there_is_none() -> None:
    assert Legend.plan(blank_pen(), LABELS, [Box(0, 0, 1280, 720)]) is None
    assert Legend.plan(blank_pen(20, 20), LABELS, []) is None
    assert Legend.plan(blank_pen(), [], []) is None


@pytest.mark.parametrize("size_wh", [(320, 240), (640, 480), (3840, 2160)])
def test_it_is_drawn_within_its_region(size_wh: tuple[int, int]) -> None:
    pen = blank_pen(*size_wh)
    legend = Legend.plan(pen, LABELS, [])
    assert legend is not None
    legend.draw(pen)
    image = pen.to_bgr()
    x_min, y_min, x_max, y_max = map(int, legend.region.to_tuple())
    changed = (image != 127).any(axis=2)
    # The edge of a letter may have the grey of the image.
    assert changed[y_min:y_max, x_min:x_max].mean() > 0.99
    changed[y_min:y_max, x_min:x_max] = False
    assert not changed.any()
    for label in legend.labels:
        if label is not None:
            assert (image[:, :, ::-1] == EMOTION_RGB[label]).all(axis=2).any()
