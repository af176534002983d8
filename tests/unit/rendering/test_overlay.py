import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.face import FaceQuality, FaceResult, QualityReason
from emolens.core.geometry import Box
from emolens.rendering.overlay import draw_faces, label_text
from emolens.rendering.palette import EMOTION_RGB, text_rgb

SCORES = EmotionScores(np.array([0, 0, 0, 0.9, 0.1, 0, 0], np.float32))


def face(box: Box, label: Emotion | None = Emotion.HAPPY) -> FaceResult:
    reasons = () if label is not None else (QualityReason.TOO_SMALL,)
    return FaceResult(box, 0.9, FaceQuality(100, 100, reasons), SCORES, None, label)


def blank(width: int, height: int) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), 127, np.uint8)


def test_no_faces_leave_the_image_as_it_is() -> None:
    image = blank(64, 48)
    drawn = draw_faces(image, [])
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


def test_the_box_has_the_colour_of_its_class_and_the_input_stays() -> None:
    image = blank(640, 480)
    drawn = draw_faces(image, [face(Box(200, 100, 300, 230))])
    assert tuple(drawn[165, 200, ::-1]) == EMOTION_RGB[Emotion.HAPPY]
    assert (image == 127).all()
    assert drawn.shape == image.shape


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (20, 15), (320, 240), (3840, 2160)])
def test_any_size_of_image_can_be_drawn_on(size: tuple[int, int]) -> None:
    width, height = size
    boxes = [Box(0, 0, width, height), Box(0, 0, 0, 0), Box(-5, -5, width / 2, height / 2)]
    drawn = draw_faces(blank(width, height), [face(box) for box in boxes])
    assert drawn.shape == (height, width, 3)


def test_bars_are_drawn_beside_large_faces_only_where_asked() -> None:
    image, faces = blank(640, 480), [face(Box(50, 50, 250, 300))]
    outside = (slice(None), slice(262, None))
    assert (draw_faces(image, faces, bars=True)[outside] != 127).any()
    assert (draw_faces(image, faces, bars=False)[outside] == 127).all()


def test_labels_say_the_class_or_that_emolens_abstains() -> None:
    assert label_text(face(Box(0, 0, 9, 9))) == "happy 90%"
    assert label_text(face(Box(0, 0, 9, 9), label=None)) == "uncertain (too small)"


def test_text_contrasts_with_every_class_colour() -> None:
    assert text_rgb(EMOTION_RGB[Emotion.HAPPY]) == (0, 0, 0)
    assert text_rgb(EMOTION_RGB[Emotion.SAD]) == (255, 255, 255)
    assert len(set(EMOTION_RGB.values())) == len(Emotion)
