import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.geometry import Box
from emolens.rendering.palette import EMOTION_RGB, track_rgb
from emolens.rendering.pen import Pen

Pixels = npt.NDArray[np.uint8]
SCORES = EmotionScores(np.array([0, 0, 0, 0.9, 0.1, 0, 0], np.float32))


def blank(width: int = 640, height: int = 480) -> Pixels:
    return np.full((height, width, 3), 127, np.uint8)


def changed(pen: Pen) -> tuple[int, int, int, int]:
    """Where an image was drawn on: (x_min, y_min, x_max, y_max)."""
    rows, columns = np.nonzero((pen.to_bgr() != 127).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_a_new_pen_has_drawn_nothing_and_leaves_its_image_alone() -> None:
    image = blank()
    pen = Pen(image)
    np.testing.assert_array_equal(pen.to_bgr(), image)
    pen.block((10, 10, 50, 50), (255, 0, 0))
    assert (image == 127).all()


def test_a_view_that_is_not_contiguous_can_be_drawn_on() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    np.testing.assert_array_equal(Pen(image[::-1, ::2]).to_bgr(), image[::-1, ::2])


def test_colours_are_red_green_blue_and_images_the_other_way_round() -> None:
    pen = Pen(blank())
    pen.block((10, 10, 50, 50), (200, 100, 50))
    assert pen.to_bgr()[30, 30].tolist() == [50, 100, 200]


@pytest.mark.parametrize(
    ("size", "text_px"), [((1, 1), 11), ((320, 240), 11), ((640, 480), 15), ((3840, 2160), 64)]
)
def test_sizes_follow_from_the_image_and_stay_legible(size: tuple[int, int], text_px: int) -> None:
    pen = Pen(blank(*size))
    assert pen.text_px == text_px
    assert pen.size_wh == size


def test_a_frame_lies_around_its_box() -> None:
    pen = Pen(blank())
    pen.box(Box(100, 100, 200, 220), EMOTION_RGB[Emotion.SAD])
    x_min, y_min, x_max, y_max = changed(pen)
    assert (x_min, y_min, x_max, y_max) == pytest.approx((100, 100, 200, 220), abs=3)
    assert (pen.to_bgr()[120:200, 120:180] == 127).all()


@pytest.mark.parametrize("number", [None, 1, 12345])
def test_a_label_stands_above_its_box(number: int | None) -> None:
    pen = Pen(blank())
    pen.label(Box(100, 100, 200, 220), "happy 90%", EMOTION_RGB[Emotion.HAPPY], number)
    x_min, y_min, _x_max, y_max = changed(pen)
    assert (x_min, y_max) == pytest.approx((100, 100), abs=4)
    assert y_min > 60
    colours = {tuple(color) for color in pen.to_bgr()[:, :, ::-1].reshape(-1, 3).tolist()}
    assert (number is not None) == (track_rgb(number or 1) in colours)


@pytest.mark.parametrize(
    "box", [Box(0, 0, 50, 50), Box(600, 0, 640, 60), Box(-40, -40, 20, 20), Box(630, 470, 700, 500)]
)
def test_a_label_stays_inside_the_image(box: Box) -> None:
    pen, wide = Pen(blank()), Pen(blank(2000, 480))
    pen.label(box, "surprise 100%", EMOTION_RGB[Emotion.SURPRISE], 3)
    wide.label(Box(500, 200, 600, 300), "surprise 100%", EMOTION_RGB[Emotion.SURPRISE], 3)
    drawn, whole = changed(pen), changed(wide)
    assert drawn[2] - drawn[0] == pytest.approx(whole[2] - whole[0], abs=2)
    assert drawn[3] - drawn[1] == pytest.approx(whole[3] - whole[1], abs=2)


def test_bars_stand_beside_the_box_and_their_place_is_taken() -> None:
    pen, taken = Pen(blank()), [Box(50, 50, 250, 300)]
    pen.bars(taken[0], SCORES, taken)
    assert len(taken) == 2
    assert taken[1].x_min >= 250
    assert changed(pen)[0] >= 250


def test_bars_go_where_there_is_room() -> None:
    pen = Pen(blank())
    right, below = Box(400, 50, 600, 300), Box(200, 20, 500, 200)
    for box in (right, below):
        taken = [box]
        pen.bars(box, SCORES, taken)
        assert len(taken) == 2
        assert taken[1].iou(box) == 0
    assert taken[1].clip((640, 480)) == taken[1]


def test_without_room_or_for_a_small_face_there_are_no_bars() -> None:
    pen = Pen(blank())
    for box in (Box(0, 0, 640, 480), Box(100, 100, 140, 140)):
        taken = [box]
        pen.bars(box, SCORES, taken)
        assert taken == [box]
    np.testing.assert_array_equal(pen.to_bgr(), blank())
