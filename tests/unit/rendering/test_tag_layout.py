import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError
from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.rendering.pen import Pen
from emolens.rendering.placement import Spot
from emolens.rendering.tag_layout import TagLayout, TagPlan, TagStyle
from emolens.rendering.tags import TagForm
from tests.unit.rendering.results import face
from tests.unit.rendering.test_placement import hits


def blank_pen(width: int = 640, height: int = 480) -> Pen:
    return Pen(np.full((height, width, 3), 127, np.uint8))


def grid(n_columns: int, n_rows: int, side: float, step_px: float) -> list[FaceResult]:
    """Faces in a grid, with all labels in turn."""
    labels = itertools.cycle([*Emotion, None])
    corners = itertools.product(range(n_rows), range(n_columns))
    return [
        face(
            Box(
                x * step_px + 30, y * step_px + 30, x * step_px + 30 + side, y * step_px + 30 + side
            ),
            track_id=number,
            label=next(labels),
        )
        for number, (y, x) in enumerate(corners, 1)
    ]


def planned(
    faces: list[FaceResult], style: TagStyle = TagStyle.AUTO, *, pen: Pen | None = None
) -> TagPlan:
    return TagLayout(style).plan(pen or blank_pen(), faces, [], 0.0)


coordinates = st.floats(-60, 700)
boxes = st.tuples(coordinates, coordinates, st.floats(0, 250), st.floats(0, 250)).map(
    lambda b: Box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)
faces_of_two_or_more = st.lists(
    st.builds(
        face,
        boxes,
        track_id=st.none() | st.integers(1, 200),
        label=st.none() | st.sampled_from(Emotion),
    ),
    min_size=2,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(faces_of_two_or_more, min_size=1, max_size=3),
    st.tuples(st.integers(1, 700), st.integers(1, 500)),
    st.sampled_from(TagStyle),
    st.booleans(),
)
def test_in_no_frame_a_tag_or_legend_covers_a_face_or_another_tag(
    frames: list[list[FaceResult]], size_wh: tuple[int, int], style: TagStyle, has_numbers: bool
) -> None:
    pen, layout = blank_pen(*size_wh), TagLayout(style, has_numbers=has_numbers)
    for number, faces in enumerate(frames):
        obstacle = Box(0, 0, 50, 20)
        regions = layout.plan(pen, faces, [obstacle], number / 10).regions
        for region in regions:
            assert region.clip(size_wh) == region
            assert not any(hits(region, one.box.clip(size_wh)) for one in faces)
            assert not hits(region, obstacle)
        assert not any(hits(one, other) for one, other in itertools.combinations(regions, 2))


@pytest.mark.parametrize(
    ("faces", "form"),
    [
        (grid(3, 2, 90, 200), TagForm.FULL),
        (grid(6, 4, 46, 80), TagForm.WORD),
        (grid(9, 6, 34, 64), TagForm.CODE),
        (grid(12, 8, 20, 44), TagForm.NUMBER),
    ],
)
def test_the_longest_form_with_room_for_all_is_chosen(
    faces: list[FaceResult], form: TagForm
) -> None:
    plan = planned(faces)
    assert plan.form is form
    n_of_form = sum(place is not None and place.form == form for place in plan.places)
    assert n_of_form >= 0.9 * len(faces)
    assert (plan.legend is not None) <= (form >= TagForm.CODE)


def test_short_forms_come_with_a_legend() -> None:
    assert planned(grid(9, 4, 34, 64)).legend is not None
    assert planned(grid(3, 2, 90, 200)).legend is None


def test_one_face_without_room_does_not_shorten_all_others() -> None:
    faces = grid(5, 3, 60, 120)
    box = faces[7].box
    walls = [
        Box(box.x_min - 20, box.y_min - 20, box.x_max + 20, box.y_min),
        Box(box.x_min - 20, box.y_max, box.x_max + 20, box.y_max + 20),
        Box(box.x_min - 20, box.y_min, box.x_min, box.y_max),
        Box(box.x_max, box.y_min, box.x_max + 20, box.y_max),
    ]
    plan = TagLayout().plan(blank_pen(), faces, walls, 0.0)
    assert plan.places[7] is None
    assert plan.places.count(None) == 1
    assert plan.form <= TagForm.WORD


@pytest.mark.parametrize(
    ("style", "form"),
    [
        (TagStyle.FULL, TagForm.FULL),
        (TagStyle.COMPACT, TagForm.WORD),
        (TagStyle.COLOR, TagForm.NONE),
    ],
)
def test_a_style_sets_the_form(style: TagStyle, form: TagForm) -> None:
    faces = grid(3, 2, 90, 200)
    plan = planned(faces, style)
    expected = {None} if form is TagForm.NONE else {form}
    assert {place.form if place else None for place in plan.places} == expected
    assert (plan.legend is not None) == (style is TagStyle.COLOR)


def test_an_image_that_is_one_face_has_its_tag_inside() -> None:
    whole = [face(Box(0, 0, 640, 480), track_id=None)]
    (place,) = planned(whole).places
    assert place is not None
    assert place.region.clip((640, 480)) == place.region
    assert planned(whole, TagStyle.COLOR).places == [None]
    # Two such faces would hide one another.
    assert planned([*whole, *whole]).places == [None, None]


@pytest.mark.parametrize("size_wh", [(48, 48), (20, 15), (1, 1)])
def test_a_small_image_that_is_one_face_has_the_tag_that_fits(size_wh: tuple[int, int]) -> None:
    plan = planned([face(Box(0, 0, *size_wh))], pen=blank_pen(*size_wh))
    assert [place.form if place else None for place in plan.places] == [
        TagForm.CODE if size_wh == (48, 48) else None
    ]


def test_tags_do_not_jump_to_and_fro() -> None:
    """A face whose place above is blocked in every other frame."""
    layout, pen, spots = TagLayout(), blank_pen(), []
    one = face(Box(200, 200, 300, 320))
    for number in range(120):
        wall = [Box(0, 150, 640, 200)] if number % 2 else []
        (place,) = layout.plan(pen, [one], wall, number / 30).places
        assert place is not None
        spots.append(place.spot)
    n_changes = sum(one is not other for one, other in itertools.pairwise(spots))
    assert spots[0] is Spot.ABOVE
    assert Spot.BELOW in spots
    assert n_changes <= 2 * 4 / 1.5 + 1


def test_forms_do_not_flicker() -> None:
    """A crowd that leaves room for words in every other frame only."""
    layout, pen, forms = TagLayout(), blank_pen(), []
    for number in range(120):
        faces = grid(5, 4, 50, 86) if number % 2 else grid(9, 6, 34, 64)[:20]
        forms.append(layout.plan(pen, faces, [], number / 30).form)
    n_changes = sum(one is not other for one, other in itertools.pairwise(forms))
    assert n_changes <= 2 * 4 / 1.5 + 1
    assert len(set(forms)) > 1


def test_a_tag_returns_to_its_best_place_after_a_while() -> None:
    layout, pen, one = TagLayout(), blank_pen(), face(Box(200, 200, 300, 320))
    layout.plan(pen, [one], [Box(0, 150, 640, 200)], 0.0)
    spots = [layout.plan(pen, [one], [], at_s).places[0] for at_s in (0.5, 1.0, 2.0)]
    assert [place.spot if place else None for place in spots] == [
        Spot.BELOW,
        Spot.BELOW,
        Spot.ABOVE,
    ]


def test_an_unknown_style_is_an_error_that_lists_the_styles() -> None:
    with pytest.raises(ConfigError, match=r"'tiny'.*auto, full, compact, color"):
        TagStyle.of("tiny")


def test_numbers_are_those_of_the_table_or_of_the_tracks() -> None:
    tracked = grid(2, 1, 60, 200)
    untracked = [replace(one, track_id=None) for one in tracked]
    layout, pen = TagLayout(has_numbers=True), blank_pen()
    assert [tag.number for tag in layout.plan(pen, untracked, [], 0.0).tags] == [1, 2]
    assert [tag.number for tag in layout.plan(pen, tracked[::-1], [], 0.0).tags] == [2, 1]
    assert layout.plan(pen, untracked[:1], [], 0.0).tags[0].number is None
    assert planned(untracked).tags[0].number is None
