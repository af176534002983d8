import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import ConfigError
from emolens.core.face import FaceQuality, FaceResult, QualityReason
from emolens.core.geometry import Box
from emolens.rendering.overlay import draw_faces
from emolens.rendering.palette import EMOTION_RGB, PANEL_RGB, text_rgb
from emolens.rendering.pen import Pen
from emolens.rendering.wording import label_rgb

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


coordinates = st.integers(-40, 400)
boxes = st.tuples(coordinates, coordinates, st.integers(0, 160), st.integers(0, 160)).map(
    lambda b: Box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)
many_faces = st.lists(
    st.builds(face, boxes, st.none() | st.sampled_from(Emotion)), min_size=2, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(many_faces, st.sampled_from(["auto", "full", "compact", "color"]), st.booleans())
def test_inside_the_boxes_nothing_but_frames_is_drawn(
    faces: list[FaceResult], style: str, numbers: bool
) -> None:
    image = blank(360, 300)
    frames = Pen(image)
    for one in faces:
        frames.frame(one.box, label_rgb(one.label), is_dashed=one.label is None)
    expected = frames.to_bgr()
    drawn = draw_faces(image, faces, style=style, numbers=numbers)
    for one in faces:
        x_min, y_min, x_max, y_max = map(int, one.box.clip((360, 300)).to_tuple())
        inside = np.s_[y_min:y_max, x_min:x_max]
        np.testing.assert_array_equal(drawn[inside], expected[inside])


def test_bars_do_not_cover_tags() -> None:
    # The tag is on the right of the face, at the only place for bars.
    image, faces = blank(640, 480), [face(Box(0, 0, 200, 480))]
    drawn = draw_faces(image, faces, bars=False)
    assert (drawn[:, 210:] != 127).any()
    np.testing.assert_array_equal(draw_faces(image, faces, bars=True), drawn)


def colours_above(drawn: npt.NDArray[np.uint8]) -> set[tuple[int, ...]]:
    """The colours above a face whose box begins in row 100."""
    return {tuple(color) for color in drawn[:97, :, ::-1].reshape(-1, 3).tolist()}


def test_several_faces_are_numbered_unless_the_numbers_are_switched_off() -> None:
    image, one = blank(640, 480), face(Box(200, 100, 300, 230))
    several = [one, face(Box(400, 100, 480, 200))]
    assert PANEL_RGB in colours_above(draw_faces(image, several))
    assert PANEL_RGB not in colours_above(draw_faces(image, several, numbers=False))
    assert PANEL_RGB not in colours_above(draw_faces(image, [one]))


def test_the_style_sets_the_length_of_tags() -> None:
    image, faces = blank(640, 480), [face(Box(200, 100, 300, 230))]
    n_changed = [
        int((draw_faces(image, faces, style=style, bars=False)[:97] != 127).any(axis=2).sum())
        for style in ("full", "compact", "color")
    ]
    assert n_changed[0] > n_changed[1] > n_changed[2] == 0


def test_an_unknown_style_is_an_error_even_without_faces() -> None:
    with pytest.raises(ConfigError, match="style is 'loud'"):
        draw_faces(blank(64, 48), [], style="loud")


def test_text_contrasts_with_every_class_colour() -> None:
    assert text_rgb(EMOTION_RGB[Emotion.HAPPY]) == (0, 0, 0)
    assert text_rgb(EMOTION_RGB[Emotion.SAD]) == (255, 255, 255)
    assert len(set(EMOTION_RGB.values())) == len(Emotion)
