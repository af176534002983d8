import cv2
import numpy as np
import pytest

from emolens.core.geometry import Box
from emolens.pipeline.framed_face import cut_faces
from emolens.testing import Actor, MarkDetector, SyntheticSource, marked_image


@pytest.mark.parametrize("brightness", [60, 128, 195])
def test_a_marked_image_has_its_brightness_and_can_be_assessed(brightness: int) -> None:
    image = marked_image(3, brightness=brightness)
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    assert gray.mean() == pytest.approx(brightness, abs=3)
    (face,) = cut_faces(image, [(Box(0, 0, 100, 100), None)], size_px=48)
    assert face.assess().is_assessable


@pytest.mark.parametrize("side", [40.0, 70.0, 100.0, 163.0])
def test_the_detector_finds_the_actors_of_a_source(side: float) -> None:
    one = Actor(marked_image(0, brightness=80), lambda at_s: (90 + 10 * at_s, 100, side))
    two = Actor(marked_image(7, brightness=150), lambda _at_s: (300, 140, side / 2))
    source = SyntheticSource([one, two], size_wh=(400, 300))
    detector = MarkDetector([7, 0])
    for at_s in (0.0, 0.33, 1.5):
        found = [detection.box for detection in detector.detect(source.draw(at_s))]
        for box, true in zip(found, source.faces_at(at_s), strict=True):
            assert true is not None
            assert box.iou(true) > 0.85
    assert detector.n_calls == 3


def test_what_is_hidden_is_not_found_and_what_is_covered_in_part_is_smaller() -> None:
    behind = Actor(marked_image(0, brightness=80), lambda _at_s: (100, 100, 80))
    front = Actor(marked_image(1, brightness=80), lambda at_s: (100 + 40 * at_s, 100, 90))
    source = SyntheticSource([behind, front], size_wh=(400, 200))
    detector = MarkDetector()
    assert detector.detect(source.draw(0)) == []
    (half,) = detector.detect(source.draw(1))
    assert half.box.width == pytest.approx(35, abs=3)


def test_there_is_nobody_in_an_empty_image() -> None:
    assert MarkDetector(range(56)).detect(np.full((50, 50, 3), 110, np.uint8)) == []
