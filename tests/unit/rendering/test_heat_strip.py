import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.geometry import Box
from emolens.rendering.heat_strip import HeatStrip
from emolens.rendering.heatmap import HeatLegend
from tests.unit.rendering.results import face, noise_frame, result

LEGEND = HeatLegend("drop of the probability when the region is blurred", "0", "50 points")


def changed(
    width: int, height: int, *, text: str = LEGEND.text, n_faces: int = 1
) -> npt.NDArray[np.bool_]:
    frame = noise_frame(width, height)
    found = result(frame, [face(Box(5, height - 20, 20, height))] * n_faces)
    before = frame.image.copy()
    drawn = HeatStrip(HeatLegend(text, "0", "50 points"), "short").apply(frame.image, found)
    np.testing.assert_array_equal(frame.image, before)
    assert drawn.shape == frame.image.shape
    return np.asarray((drawn != frame.image).any(axis=2))


def test_the_scale_stands_at_the_upper_left_edge_of_frames_with_faces() -> None:
    is_changed = changed(1280, 720)
    assert is_changed[:40, :400].mean() > 0.5
    assert not is_changed[60:].any()
    # The upper right corner belongs to the status.
    assert not is_changed[:, 1000:].any()
    assert not changed(1280, 720, n_faces=0).any()


def test_a_narrow_frame_gets_the_short_text_and_a_tiny_one_the_scale_alone() -> None:
    widths = [np.flatnonzero(changed(w, 480).any(axis=0)).max() for w in (1600, 520, 200)]
    assert widths[0] > widths[1] > widths[2] > 60


def test_the_scale_covers_no_face_and_stays_where_it_is() -> None:
    frame = noise_frame(1280, 720)
    strip = HeatStrip(LEGEND, "short")
    wide, corner, low = Box(0, 0, 1000, 600), Box(0, 0, 200, 200), Box(0, 400, 200, 700)
    assert strip.apply(frame.image, result(frame, [face(wide)])) is frame.image
    for box in (corner, low):
        drawn = strip.apply(frame.image, result(frame, [face(box)]))
        is_changed = (drawn != frame.image).any(axis=2)
        assert is_changed[:60, 400:880].mean() > 0.3
        assert not is_changed[:, :300].any()


@pytest.mark.parametrize("size_wh", [(1, 1), (16, 400), (400, 16)])
def test_a_frame_of_any_size_is_drawn_on(size_wh: tuple[int, int]) -> None:
    changed(*size_wh)
