import numpy as np
import pytest

from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.rendering.bars import BarsLayout
from emolens.rendering.pen import Pen
from tests.unit.rendering.results import face


def blank_pen() -> Pen:
    return Pen(np.full((480, 640, 3), 127, np.uint8))


def drawn(
    *faces: FaceResult,
    obstacles: tuple[Box, ...] = (),
    is_for_all: bool = True,
    layout: BarsLayout | None = None,
    now_s: float = 0.0,
) -> Box | None:
    """Draw the bars and return the region of all panels."""
    pen = blank_pen()
    layout = layout or BarsLayout(is_for_all=is_for_all)
    layout.draw(pen, faces, [*(one.box for one in faces), *obstacles], now_s)
    rows, columns = np.nonzero((pen.to_bgr() != 127).any(axis=2))
    if not len(rows):
        return None
    return Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


LEFT = face(Box(50, 50, 250, 300), track_id=1)
MIDDLE = face(Box(260, 50, 460, 300), track_id=2)
WALL = Box(0, 300, 640, 480)


def test_bars_stand_on_the_right_at_the_height_of_the_face() -> None:
    region = drawn(LEFT)
    assert region is not None
    assert region.x_min >= 250
    assert region.y_min == pytest.approx(50, abs=1)


@pytest.mark.parametrize("box", [Box(400, 50, 600, 300), Box(200, 20, 500, 200)])
def test_bars_go_where_there_is_room(box: Box) -> None:
    region = drawn(face(box))
    assert region is not None
    assert region.iou(box) == 0
    assert region.clip((640, 480)) == region


@pytest.mark.parametrize("box", [Box(0, 0, 640, 480), Box(100, 100, 140, 140)])
def test_without_room_or_for_a_small_face_there_are_no_bars(box: Box) -> None:
    assert drawn(face(box)) is None


def test_obstacles_stay_free() -> None:
    tag = Box(252, 50, 400, 70)
    region = drawn(LEFT, obstacles=(tag,))
    assert region is not None
    assert region.iou(tag) == 0


def test_there_are_bars_for_all_or_for_none() -> None:
    wall = Box(0, 300, 640, 480)
    assert drawn(LEFT, MIDDLE) is not None
    assert drawn(LEFT, MIDDLE, obstacles=(wall,)) is None
    assert drawn(LEFT, MIDDLE, obstacles=(wall,), is_for_all=False) is not None


def test_bars_that_had_no_room_stay_away_for_a_moment() -> None:
    layout = BarsLayout(is_for_all=True)
    moments = [(0.0, ()), (0.1, (WALL,)), (0.2, ()), (1.0, ()), (2.0, ())]
    shown = [
        drawn(LEFT, MIDDLE, obstacles=walls, layout=layout, now_s=at_s) is not None
        for at_s, walls in moments
    ]
    assert shown == [True, False, False, False, True]


def test_bars_do_not_jump_to_and_fro() -> None:
    layout = BarsLayout(is_for_all=True)
    blocked = Box(251, 0, 640, 480)
    regions = [
        drawn(LEFT, obstacles=walls, layout=layout, now_s=at_s)
        for at_s, walls in [(0.0, (blocked,)), (0.5, ()), (1.0, ()), (2.0, ())]
    ]
    assert regions[0] is not None
    assert regions[0] == regions[1] == regions[2] != regions[3]
