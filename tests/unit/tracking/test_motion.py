import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.core.geometry import Box
from emolens.tracking.motion import Motion


def walked(speed_px_s: float, *, until_s: float, side: float = 80) -> Motion:
    motion = Motion()
    for index in range(round(until_s * 10) + 1):
        motion.add(box_at(speed_px_s * index / 10, side), index / 10)
    return motion


def box_at(x: float, side: float = 80) -> Box:
    return Box.from_center((x, 200), side)


def test_a_face_that_was_never_seen_can_be_nobody() -> None:
    motion = Motion()
    assert motion.is_empty
    assert motion.distance(box_at(0), 1.0) == math.inf
    motion.add(box_at(0), 0.0)
    assert not motion.is_empty


def test_a_face_is_expected_where_its_movement_leads() -> None:
    motion = walked(100, until_s=2)
    assert motion.distance(box_at(250), 2.5) < 0.1
    assert motion.distance(box_at(600), 2.5) > 1
    # Behind where it stopped, against its movement.
    assert motion.distance(box_at(60), 2.5) > 1


def test_or_where_it_was_lost() -> None:
    assert walked(100, until_s=2).distance(box_at(200), 3.0) < 0.1


def test_boxes_that_shrink_before_a_face_is_lost_say_nothing_about_its_movement() -> None:
    motion = Motion()
    for index in range(21):
        x_max = 100.0 + 10 * index
        # From 1.7 s on it is behind something that begins at 270 px.
        motion.add(Box(x_max - 80, 160, min(x_max, 270), 240), index / 10)
    expected = Box(300 - 20, 160, 300 + 60, 240)
    assert motion.distance(expected, 2.6) < 0.2


@pytest.mark.parametrize(
    ("side", "is_possible"), [(80, True), (100, True), (40, False), (200, False)]
)
def test_a_face_of_quite_another_size_is_ruled_out(side: float, is_possible: bool) -> None:
    assert (walked(0, until_s=2).distance(box_at(0, side), 2.5) < 1) == is_possible


def test_more_is_allowed_the_longer_a_face_is_out_of_sight() -> None:
    motion = walked(0, until_s=2)
    assert motion.distance(box_at(60), 2.1) > motion.distance(box_at(60), 4.0)


def test_one_moment_has_no_speed() -> None:
    motion = Motion()
    motion.add(box_at(0), 1.0)
    motion.add(box_at(40), 1.0)
    assert motion.distance(box_at(40), 2.0) == 0


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=40).map(sorted), st.floats(0, 100))
def test_any_times_give_a_distance(times_s: list[float], later_s: float) -> None:
    motion = Motion()
    for at_s in times_s:
        motion.add(box_at(at_s % 50), at_s)
    assert motion.distance(box_at(10), times_s[-1] + later_s) >= 0
