import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import InputError
from emolens.rendering.heatmap import (
    ExplainedFace,
    draw_all_classes,
    draw_heat,
    draw_one_class,
)
from emolens.rendering.palette import EMOTION_RGB

SCORES = EmotionScores(np.array([0, 0, 0, 0.9, 0.1, 0, 0], np.float32))
GRAY = np.full((40, 40, 3), 128, np.uint8)


def explained(n_heats: int, *, title: str = "face 1", value: float = 0.5) -> ExplainedFace:
    return ExplainedFace(title, GRAY, SCORES, np.full((n_heats, 8, 8), value, np.float32))


def luminance(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def test_more_evidence_is_brighter_also_in_grey() -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    row = luminance(draw_heat(np.full((64, 64, 3), 128, np.uint8), ramp, 64))[32].astype(int)
    # Rounding to whole grey levels may take one back.
    assert (np.diff(row) >= -1).all()
    assert row[-1] - row[0] > 70


@given(st.integers(0, 255), st.floats(0, 0.9))
def test_evidence_shows_on_skin_of_any_brightness(level: int, heat: float) -> None:
    face = np.full((4, 4, 3), level, np.uint8)
    less, more = (
        int(luminance(draw_heat(face, np.full((4, 4), value, np.float32), 4))[0, 0])
        for value in (heat, heat + 0.1)
    )
    assert more >= less


def test_a_face_without_evidence_can_still_be_seen() -> None:
    face = np.zeros((32, 32, 3), np.uint8)
    face[:, 16:] = 255
    drawn = luminance(draw_heat(face, np.zeros((32, 32), np.float32), 32)).astype(int)
    assert drawn[:, 24].mean() - drawn[:, 8].mean() > 80


@pytest.mark.parametrize("size_px", [1, 7, 40, 200])
def test_any_size_can_be_drawn_and_the_crop_stays(size_px: int) -> None:
    crop = GRAY.copy()
    drawn = draw_heat(crop, np.ones((3, 3), np.float32), size_px)
    assert drawn.shape == (size_px, size_px, 3)
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(crop, GRAY)


@pytest.mark.parametrize(
    "heat",
    [np.zeros((3,)), np.full((3, 3), 1.5), np.full((3, 3), -0.1), np.full((3, 3), np.nan)],
    ids=["flat", "above 1", "below 0", "nan"],
)
def test_what_is_no_heat_map_is_refused(heat: npt.NDArray[np.float32]) -> None:
    with pytest.raises(InputError, match="allowed: .* values 0 to 1"):
        draw_heat(GRAY, heat, 40)


def test_a_row_per_face_and_a_column_per_class() -> None:
    one, two = (draw_all_classes([explained(7)] * n) for n in (1, 2))
    assert one.shape[1] == two.shape[1]
    assert one.shape[0] > 168
    assert one.shape[0] < two.shape[0] < 2 * one.shape[0]
    assert one.shape[1] > 8 * 168


def test_the_bars_have_the_colours_and_lengths_of_the_classes() -> None:
    rgb = draw_all_classes([explained(7)])[:, :, ::-1]
    counts = {
        emotion: int((rgb == EMOTION_RGB[emotion]).all(axis=2).sum())
        for emotion in (Emotion.HAPPY, Emotion.SAD)
    }
    assert counts[Emotion.SAD] > 0
    assert counts[Emotion.HAPPY] == pytest.approx(9 * counts[Emotion.SAD], rel=0.1)


def test_the_most_probable_class_alone_is_framed() -> None:
    drawn = draw_all_classes([explained(7)])
    bright = (drawn == 245).all(axis=2)
    # A frame is the only line of that colour as long as a tile.
    rows = np.flatnonzero(bright.sum(axis=1) >= 168)
    assert len(rows) > 0
    columns = np.flatnonzero(bright[rows[0]])
    tile = 12 + 180 * (1 + Emotion.HAPPY.index)
    assert tile - 5 <= columns.min() < columns.max() <= tile + 168 + 5


def test_a_class_without_evidence_says_so() -> None:
    drawn, without, hardly = (
        draw_one_class([explained(1, value=value)], Emotion.SAD) for value in (1.0, 0.0, 0.01)
    )

    def has_words(image: npt.NDArray[np.uint8]) -> bool:
        inside = luminance(image)[560:620, 100:540]
        return bool((inside > 220).any())

    assert not has_words(drawn)
    assert has_words(without)
    assert has_words(hardly)


@pytest.mark.parametrize("n_faces", [1, 2, 4, 13, 61])
def test_plots_of_many_faces_stay_small_enough(n_faces: int) -> None:
    for drawn in (
        draw_all_classes([explained(7)] * n_faces),
        draw_one_class([explained(1)] * n_faces, Emotion.FEAR),
    ):
        assert drawn.dtype == np.uint8
        assert drawn.nbytes < 60e6


def test_a_long_title_is_cut_off() -> None:
    faces = [explained(1, title="face " + "9" * 500), explained(1)]
    drawn = draw_one_class(faces, Emotion.SAD)
    short = draw_one_class([explained(1), explained(1)], Emotion.SAD)
    half = drawn.shape[1] // 2
    np.testing.assert_array_equal(drawn[:, half:], short[:, half:])
    assert (drawn != short).any()


def test_plots_without_faces_or_with_other_maps_are_refused() -> None:
    with pytest.raises(InputError, match="at least one face"):
        draw_all_classes([])
    with pytest.raises(InputError, match="'face 1' has 1 heat maps; this plot needs 7"):
        draw_all_classes([explained(1)])
    with pytest.raises(InputError, match="has 7 heat maps; this plot needs 1"):
        draw_one_class([explained(7)], Emotion.SAD)
    with pytest.raises(InputError, match="BGR"):
        ExplainedFace("", GRAY[:, :, 0], SCORES, np.zeros((7, 3, 3), np.float32))
    with pytest.raises(InputError, match=r"\(7, h, w\)"):
        ExplainedFace("", GRAY, SCORES, np.zeros((2, 3, 3), np.float32))
