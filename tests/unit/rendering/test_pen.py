import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.core.geometry import Box
from emolens.rendering.palette import EMOTION_RGB
from emolens.rendering.pen import Pen

Pixels = npt.NDArray[np.uint8]


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
    pen.frame(Box(100, 100, 200, 220), EMOTION_RGB[Emotion.SAD])
    x_min, y_min, x_max, y_max = changed(pen)
    assert (x_min, y_min, x_max, y_max) == pytest.approx((100, 100, 200, 220), abs=3)
    assert (pen.to_bgr()[120:200, 120:180] == 127).all()


def test_a_frame_around_a_small_face_is_thin() -> None:
    pen = Pen(blank(1920, 1080))
    assert pen.frame_px(Box(0, 0, 20, 30)) == 1
    assert pen.frame_px(Box(0, 0, 400, 500)) == pen.line_px > 1


def test_a_dashed_frame_has_gaps_and_its_corners() -> None:
    dashed, solid = Pen(blank()), Pen(blank())
    box = Box(100, 100, 200, 220)
    for pen in (dashed, solid):
        pen.frame(box, (255, 0, 0), is_dashed=pen is dashed)
    edges = [(pen.to_bgr()[100, 100:200, 2] == 255) for pen in (dashed, solid)]
    assert 0.4 < edges[0].mean() < 0.7
    assert edges[1].mean() > 0.8
    assert edges[0][0]
    assert edges[0][-1]


@pytest.mark.parametrize("box", [Box(5, 5, 5, 5), Box(0, 0, 1, 1), Box(3, 3, 4, 90)])
def test_a_dashed_frame_of_any_size_can_be_drawn(box: Box) -> None:
    pen = Pen(blank())
    pen.frame(box, (255, 0, 0), is_dashed=True)
    assert (pen.to_bgr() != 127).any()


def test_a_hatched_area_shows_the_ground_between_its_lines() -> None:
    pen = Pen(blank())
    pen.hatch((100, 50, 299, 69), (200, 0, 0))
    area = pen.to_bgr()[50:70, 100:300]
    assert 0.2 < (area[:, :, 2] == 200).mean() < 0.6
    assert ((area == 127).all(axis=2) | (area == (0, 0, 200)).all(axis=2)).all()
    assert changed(pen) == (100, 50, 300, 70)


@pytest.mark.parametrize("corners", [(10, 10, 9, 40), (639, 479, 639, 479), (-20, 0, 700, 3)])
def test_a_hatched_area_may_be_empty_or_wider_than_the_image(
    corners: tuple[float, float, float, float],
) -> None:
    pen = Pen(blank())
    pen.hatch(corners, (200, 0, 0))
    assert pen.to_bgr().shape == (480, 640, 3)


def test_lines_do_not_move_with_the_hatched_area() -> None:
    one, other = Pen(blank()), Pen(blank())
    one.hatch((100, 50, 299, 69), (200, 0, 0))
    other.hatch((103, 50, 299, 69), (200, 0, 0))
    np.testing.assert_array_equal(one.to_bgr()[:, 103:], other.to_bgr()[:, 103:])


@pytest.mark.parametrize("corners", [(20, 20, 120, 90), (20.3, 110.7, 120.2, 180.6)])
def test_a_translucent_panel_has_one_shade(corners: tuple[float, float, float, float]) -> None:
    pen = Pen(blank())
    pen.panel(corners, radius=5.6)
    assert len(np.unique(pen.to_bgr().reshape(-1, 3), axis=0)) == 2
