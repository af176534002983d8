import numpy as np
import pytest

from emolens.core.geometry import Box
from emolens.rendering.pen import Pen
from emolens.rendering.status import StatusCorner


def blank_pen(width: int = 640, height: int = 480) -> Pen:
    return Pen(np.full((height, width, 3), 127, np.uint8))


@pytest.mark.parametrize(
    "size_wh", [(320, 240), (640, 480), (1280, 720), (720, 1280), (1920, 1080), (3840, 2160)]
)
@pytest.mark.parametrize("text", ["00:12.3", "1234:56.7", "30 fps · 1234 ms"])
def test_the_text_fits_in_any_image(size_wh: tuple[int, int], text: str) -> None:
    pen = blank_pen(*size_wh)
    status = StatusCorner().plan(pen, text, [])
    assert status is not None
    assert status.text == text
    assert status.region.clip(size_wh) == status.region
    assert status.region.width <= size_wh[0] / 2
    assert status.region.height <= size_wh[1] / 10
    status.draw(pen)
    rows, columns = np.nonzero((pen.to_bgr() != 127).any(axis=2))
    drawn = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert drawn == status.region


def test_in_a_narrow_image_the_last_parts_are_omitted() -> None:
    status = StatusCorner().plan(blank_pen(130, 200), "30 fps · 1234 ms", [])
    assert status is not None
    assert status.text == "30 fps"


@pytest.mark.parametrize("size_wh", [(1, 1), (40, 300), (600, 100)])
def test_in_a_tiny_image_there_is_no_status(size_wh: tuple[int, int]) -> None:
    assert StatusCorner().plan(blank_pen(*size_wh), "00:12.3", []) is None


def test_it_leaves_a_face_alone_and_does_not_jump_back() -> None:
    corner, face = StatusCorner(), Box(560, 0, 640, 80)
    regions = []
    for obstacles in ([], [face], [], [Box(0, 0, 80, 80)]):
        status = corner.plan(blank_pen(), "00:12.3", obstacles)
        assert status is not None
        regions.append(status.region.x_min)
    assert regions[0] == regions[3] > 500
    assert regions[1] == regions[2] < 50
    assert corner.plan(blank_pen(), "00:12.3", [Box(0, 0, 640, 80)]) is None
