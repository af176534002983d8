import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.geometry import Box
from emolens.rendering.placement import (
    TAG_SPOTS,
    Place,
    Spot,
    Wish,
    corner_region,
    free_corner,
    place_tags,
)

SIZE_WH = (640, 480)
TAG = ((100, 20), (60, 20), (20, 20))


def hits(one: Box, other: Box) -> bool:
    return (
        one.x_min < other.x_max
        and other.x_min < one.x_max
        and one.y_min < other.y_max
        and other.y_min < one.y_max
    )


def placed(*wishes: Wish, obstacles: tuple[Box, ...] = (), first_form: int = 0) -> list[Place]:
    places = place_tags(wishes, SIZE_WH, obstacles=obstacles, first_form=first_form)
    assert None not in places
    return [place for place in places if place is not None]


numbers = st.floats(-50, 700) | st.integers(-5, 650)
boxes = st.tuples(numbers, numbers, st.floats(0, 400), st.floats(0, 400)).map(
    lambda b: Box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)
sizes = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 60)), min_size=1, max_size=4)
wishes = st.builds(
    Wish,
    boxes,
    sizes.map(tuple),
    st.permutations(TAG_SPOTS).map(tuple),
    st.none() | st.tuples(st.integers(0, 3), st.sampled_from(Spot)),
    st.integers(0, 5),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(wishes, max_size=30),
    st.tuples(st.integers(1, 640), st.integers(1, 480)),
    st.lists(boxes, max_size=3),
    st.integers(0, 3),
)
def test_no_tag_covers_a_box_an_obstacle_or_another_tag(
    wanted: list[Wish], size_wh: tuple[int, int], obstacles: list[Box], first_form: int
) -> None:
    places = place_tags(wanted, size_wh, obstacles=obstacles, first_form=first_form)
    assert len(places) == len(wanted)
    drawn = [(wish, place) for wish, place in zip(wanted, places, strict=True) if place]
    for wish, place in drawn:
        region = place.region
        assert region.clip(size_wh) == region
        assert (region.width, region.height) == wish.sizes_wh[place.form]
        assert all(edge == round(edge) for edge in region.to_tuple())
        for other in (*(wish.box.clip(size_wh) for wish in wanted), *obstacles):
            assert not hits(region, other)
    for (_, one), (_, other_place) in itertools.combinations(drawn, 2):
        assert not hits(one.region, other_place.region)


def test_a_tag_stands_above_its_box() -> None:
    (place,) = placed(Wish(Box(100, 100, 180, 200), TAG, gap_px=2))
    assert place == Place(Box(100, 78, 200, 98), 0, Spot.ABOVE)


@pytest.mark.parametrize(
    ("box", "spot"),
    [
        (Box(100, 0, 180, 100), Spot.BELOW),
        (Box(100, 0, 180, 480), Spot.RIGHT),
        (Box(500, 0, 640, 480), Spot.LEFT),
        (Box(600, 100, 640, 200), Spot.ABOVE),
    ],
)
def test_at_an_edge_it_stands_on_another_side_or_slides(box: Box, spot: Spot) -> None:
    (place,) = placed(Wish(box, TAG))
    assert place.spot is spot
    assert place.region.clip(SIZE_WH) == place.region


def test_a_shorter_form_is_used_only_where_no_spot_is_free() -> None:
    # 70 px on the right, nothing else.
    box = Box(0, 0, 570, 480)
    (place,) = placed(Wish(box, TAG))
    assert (place.form, place.spot) == (1, Spot.RIGHT)
    assert place_tags([Wish(box, ((80, 20),))], SIZE_WH) == [None]


def test_no_form_is_longer_than_the_first_one() -> None:
    (place,) = placed(Wish(Box(100, 100, 180, 200), TAG), first_form=2)
    assert place.form == 2
    assert place_tags([Wish(Box(1, 1, 9, 9), TAG)], SIZE_WH, first_form=3) == [None]


def test_the_largest_box_chooses_first() -> None:
    small, large = Box(100, 100, 150, 150), Box(90, 102, 190, 202)
    both = placed(Wish(small, TAG), Wish(large, TAG))
    alone = place_tags([Wish(small, ()), Wish(large, TAG)], SIZE_WH)[1]
    assert both[1] == alone


def test_a_held_spot_is_kept_although_a_better_one_is_free() -> None:
    box = Box(100, 100, 180, 200)
    (place,) = placed(Wish(box, TAG, held=(1, Spot.LEFT)))
    assert place.anchor == (1, Spot.LEFT)
    blocked = Box(0, 0, 99, 480)
    (place,) = placed(Wish(box, TAG, held=(1, Spot.LEFT)), obstacles=(blocked,))
    assert place.anchor == (1, Spot.ABOVE)


def test_a_held_form_that_no_longer_exists_is_the_last_one() -> None:
    (place,) = placed(Wish(Box(100, 100, 180, 200), TAG, held=(9, Spot.LEFT)))
    assert place.form == 2


CORNERS = ((1.0, 0.0), (0.0, 0.0), (0.5, 1.0))


@pytest.mark.parametrize(
    ("obstacles", "corner", "region"),
    [
        ([], (1.0, 0.0), Box(535, 5, 635, 25)),
        ([Box(600, 0, 640, 40)], (0.0, 0.0), Box(5, 5, 105, 25)),
        ([Box(0, 0, 640, 6)], (0.5, 1.0), Box(270, 455, 370, 475)),
    ],
)
def test_the_first_free_corner_is_taken(
    obstacles: list[Box], corner: tuple[float, float], region: Box
) -> None:
    found = free_corner((100, 20), SIZE_WH, obstacles, margin_px=5, corners=CORNERS)
    assert found == corner
    assert corner_region(corner, (100, 20), SIZE_WH, margin_px=5) == region


def test_without_a_free_corner_or_in_a_small_image_there_is_none() -> None:
    whole = [Box(0, 0, *SIZE_WH)]
    assert free_corner((100, 20), SIZE_WH, whole, corners=CORNERS) is None
    assert free_corner((100, 20), (105, 90), [], margin_px=5, corners=CORNERS) is None
    assert free_corner((100, 20), (110, 30), [], margin_px=5, corners=CORNERS) is not None
