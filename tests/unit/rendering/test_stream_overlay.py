import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError
from emolens.core.face import FaceResult
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box
from emolens.rendering.palette import ABSTAINED_RGB, EMOTION_RGB, track_rgb
from emolens.rendering.pen import Pen
from emolens.rendering.stream_overlay import StreamOverlay
from tests.unit.rendering.results import face, noise_frame, result

Pixels = npt.NDArray[np.uint8]
SIZES = [(1, 1), (2, 3), (7, 200), (33, 25), (161, 121), (320, 240), (641, 479), (3840, 2160)]


def blank(width: int = 640, height: int = 480) -> Frame:
    return Frame(np.full((height, width, 3), 127, np.uint8))


def has_colour(image: Pixels, color: tuple[int, int, int]) -> bool:
    return bool((image[:, :, ::-1] == color).all(axis=2).any())


@pytest.mark.parametrize("size", SIZES)
def test_any_size_of_image_can_be_drawn_on(size: tuple[int, int]) -> None:
    frame, overlay = noise_frame(*size), StreamOverlay()
    width, height = size
    boxes = [
        Box(width / 4, height / 4, width / 2, height / 2),
        Box(-width, -height, width / 3, height / 3),
        Box(width / 2, height / 2, 2 * width, 2 * height),
        Box(width, height, width, height),
    ]
    faces = [face(box, track_id=number) for number, box in enumerate(boxes, 1)]
    before = frame.image.copy()
    for at_s in (0.0, 0.03, 5.0):
        drawn = overlay.apply(frame.image, result(frame, faces, at_s=at_s))
        assert drawn.shape == (height, width, 3)
        assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(frame.image, before)


def n_strip_rows(drawn: Pixels) -> int:
    """Rows of pixels at the lower edge that are drawn from the left to the right."""
    is_drawn = (drawn != 127).any(axis=2).all(axis=1)[::-1]
    return int(is_drawn.argmin())


def grid(n_rows: int) -> list[FaceResult]:
    return [
        face(Box(60 * x, 60 * y, 60 * x + 50, 60 * y + 50), track_id=10 * y + x + 1)
        for y in range(n_rows)
        for x in range(10)
    ]


def test_the_strip_of_a_crowd_has_four_rows_and_covers_no_face() -> None:
    rows = []
    for n_rows in (5, 7, 8):
        frame = blank()
        drawn = StreamOverlay().apply(frame.image, result(frame, grid(n_rows)))
        rows.append(round(n_strip_rows(drawn) / 20))
    # The lowest faces end 190, 70 and 10 px above the lower edge.
    assert rows == [4, 3, 0]


@pytest.mark.parametrize(
    "size_wh", [(320, 240), (640, 480), (1280, 720), (1920, 1080), (3840, 2160), (2000, 100)]
)
def test_the_strip_takes_a_sixth_of_the_height_at_most(size_wh: tuple[int, int]) -> None:
    frame = blank(*size_wh)
    side = size_wh[1] / 10
    faces = [face(Box(n * side, side, (n + 1) * side, 2 * side), track_id=n + 1) for n in range(4)]
    drawn = StreamOverlay().apply(frame.image, result(frame, faces))
    assert 0 < n_strip_rows(drawn) <= size_wh[1] / 6


def test_the_strip_does_not_flicker() -> None:
    """A face that reaches into the strip in every tenth frame."""
    overlay, heights = StreamOverlay(), []
    for index in range(60):
        frame, low = blank(), 475 if index % 10 == 5 else 300
        one = face(Box(200, 200, 300, low))
        drawn = overlay.apply(frame.image, result(frame, [one], at_s=index / 30))
        heights.append(n_strip_rows(drawn))
    assert sum(one != other for one, other in pairwise(heights)) == 1
    assert heights[0] > 0


def test_the_status_stands_in_the_corner() -> None:
    frame = blank()
    asked: list[FrameResult] = []

    def status(of: FrameResult) -> str:
        asked.append(of)
        return "30 fps"

    found = result(frame)
    drawn = StreamOverlay(status=status).apply(frame.image, found)
    assert asked == [found]
    rows, columns = np.nonzero((drawn != 127).any(axis=2))
    assert columns.min() > 500
    assert rows.max() < 40


@pytest.mark.parametrize("at_s", [-3.0, 0.0, 59.96, 4000.0])
def test_by_default_the_time_in_the_recording_is_shown(at_s: float) -> None:
    frame = blank()
    drawn = StreamOverlay().apply(frame.image, result(frame, at_s=at_s))
    assert (drawn != 127).any()


def shown(overlay: StreamOverlay, labels: Sequence[Emotion | None], rate_hz: float = 10) -> Pixels:
    frame = blank()
    for index, label in enumerate(labels):
        one = face(Box(200, 100, 300, 200), label=label)
        drawn = overlay.apply(frame.image, result(frame, [one], at_s=index / rate_hz))
    return drawn[-18:]


def test_the_strip_shows_the_labels_of_the_last_seconds() -> None:
    labels: list[Emotion | None] = [Emotion.SAD] * 30 + [None] * 30 + [Emotion.FEAR] * 30
    strip = shown(StreamOverlay(), labels)
    for color in (EMOTION_RGB[Emotion.SAD], ABSTAINED_RGB, EMOTION_RGB[Emotion.FEAR]):
        assert has_colour(strip, color)
    # Later ones stand further right.
    middles = [
        float(np.nonzero((strip[:, :, ::-1] == EMOTION_RGB[of]).all(axis=2))[1].mean())
        for of in (Emotion.SAD, Emotion.FEAR)
    ]
    assert middles[0] < middles[1]


def test_what_is_older_than_ten_seconds_is_gone() -> None:
    strip = shown(StreamOverlay(), [Emotion.SAD] * 10 + [Emotion.FEAR] * 120)
    assert not has_colour(strip, EMOTION_RGB[Emotion.SAD])
    assert has_colour(strip, EMOTION_RGB[Emotion.FEAR])


def test_without_strip_the_lower_edge_stays() -> None:
    strip = shown(StreamOverlay(strip=False), [Emotion.SAD] * 10)
    assert (strip == 127).all()


def test_bars_are_drawn_for_few_faces_only() -> None:
    frame = blank(1280, 720)

    def n_changed(n_faces: int, *, bars: bool) -> int:
        faces = [
            face(Box(20 + 300 * n, 100, 120 + 300 * n, 300), track_id=n + 1) for n in range(n_faces)
        ]
        overlay = StreamOverlay(bars=bars, strip=False)
        drawn = overlay.apply(frame.image, result(frame, faces))
        return int((drawn != 127).any(axis=2).sum())

    assert n_changed(3, bars=True) > n_changed(3, bars=False)
    assert n_changed(4, bars=True) == n_changed(4, bars=False)


@pytest.mark.slow
def test_what_is_remembered_is_bounded_over_hours() -> None:
    """A label that changes all the time, and a new face every second."""
    frame, overlay = blank(8, 8), StreamOverlay()
    tracemalloc.start()
    try:
        for index in range(9000):
            label = Emotion.from_index(index % 7)
            faces = [
                face(Box(1, 1, 5, 5), track_id=1, label=label),
                face(Box(2, 2, 4, 4), track_id=2 + index // 30, label=label),
            ]
            overlay._add_spans(result(frame, faces, at_s=index / 30))
            if index == 1000:
                early = tracemalloc.get_traced_memory()[0]
        grown = tracemalloc.get_traced_memory()[0] - early
    finally:
        tracemalloc.stop()
    assert len(overlay._spans) <= 12
    assert sum(map(len, overlay._spans.values())) <= 2 * 10 * 30 + 20
    assert grown < 50_000


def test_a_label_that_stays_is_one_span() -> None:
    frame, overlay = blank(8, 8), StreamOverlay()
    for index in range(1000):
        overlay._add_spans(result(frame, [face(Box(1, 1, 5, 5))], at_s=index / 30))
    assert [len(spans) for spans in overlay._spans.values()] == [1]


def test_uncertain_is_hatched_in_the_strip_and_absent_is_empty() -> None:
    labels: list[Emotion | None] = [Emotion.NEUTRAL] * 30 + [None] * 30
    row = shown(StreamOverlay(), labels)[2, :, ::-1]
    absent, neutral, uncertain = row[60:200], row[330:430], row[480:620]
    assert (neutral == EMOTION_RGB[Emotion.NEUTRAL]).all()
    is_line = (uncertain == ABSTAINED_RGB).all(axis=1)
    assert 0.2 < is_line.mean() < 0.6
    assert len(np.unique(absent, axis=0)) == 1


def test_two_faces_that_cross_keep_their_tags_off_each_other() -> None:
    overlay = StreamOverlay(bars=False, strip=False, status=lambda _: "")
    for index in range(40):
        frame = blank()
        boxes = [Box(100 + 10 * index, 200, 200 + 10 * index, 320)]
        boxes.append(Box(500 - 10 * index, 205, 600 - 10 * index, 325))
        faces = [face(box, track_id=number) for number, box in enumerate(boxes, 1)]
        drawn = overlay.apply(frame.image, result(frame, faces, at_s=index / 10))
        frames = Pen(frame.image)
        for one in faces:
            frames.frame(one.box, EMOTION_RGB[Emotion.HAPPY])
        for box in boxes:
            inside = np.s_[int(box.y_min) : int(box.y_max), int(box.x_min) : int(box.x_max)]
            np.testing.assert_array_equal(drawn[inside], frames.to_bgr()[inside])
        # Both tags are there, whole and apart from each other.
        assert (drawn[:, :, ::-1] == track_rgb(1)).all(axis=2).sum() > 100
        assert (drawn[:, :, ::-1] == track_rgb(2)).all(axis=2).sum() > 100


def test_tags_keep_off_the_strip_and_the_status() -> None:
    frame = blank()
    # Below this face, the strip leaves 14 px; the tag is higher.
    low = face(Box(200, 2, 300, 446))
    drawn = StreamOverlay(bars=False).apply(frame.image, result(frame, [low]))
    assert (drawn[450:458, 200:300] == 127).all()
    assert (drawn[:400, 310:400] != 127).any()
    # Above this face, the status leaves 17 px.
    high = face(Box(530, 40, 620, 145))
    drawn = StreamOverlay(bars=False).apply(frame.image, result(frame, [high]))
    assert (drawn[25:36, 500:] == 127).all()
    assert (drawn[150:165, 530:600] != 127).any()


def test_an_unknown_style_is_an_error() -> None:
    with pytest.raises(ConfigError, match="style is 'loud'"):
        StreamOverlay(style="loud")


def test_another_stream_begins_with_an_empty_strip() -> None:
    overlay = StreamOverlay()
    shown(overlay, [Emotion.SAD] * 50)
    strip = shown(overlay, [Emotion.FEAR])
    assert not has_colour(strip, EMOTION_RGB[Emotion.SAD])


boxes = st.tuples(st.floats(-99, 99), st.floats(-99, 99), st.floats(0, 99), st.floats(0, 99)).map(
    lambda b: Box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)
faces = st.builds(
    face,
    boxes,
    track_id=st.none() | st.integers(1, 5),
    label=st.none() | st.sampled_from(Emotion),
)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 120), st.integers(1, 120)),
    st.lists(st.tuples(st.floats(-1, 20), st.lists(faces, max_size=4)), min_size=1, max_size=5),
)
def test_whatever_comes_is_drawn(
    size_wh: tuple[int, int], results: list[tuple[float, list[FaceResult]]]
) -> None:
    frame, overlay, at_s = noise_frame(*size_wh), StreamOverlay(), 0.0
    for step_s, found in results:
        at_s += step_s
        drawn = overlay.apply(frame.image, result(frame, found, at_s=at_s))
        assert drawn.shape == frame.image.shape


def test_a_cut_is_a_line_in_the_strip_for_ten_seconds() -> None:
    def strip(shots: Sequence[int]) -> Pixels:
        frame, overlay = blank(), StreamOverlay()
        for index, shot in enumerate(shots):
            one = face(Box(200, 100, 300, 200), label=Emotion.SAD, track_id=shot)
            found = replace(result(frame, [one], at_s=index / 10), shot=shot)
            drawn = overlay.apply(frame.image, found)
        return drawn[-18:]

    def columns(image: Pixels) -> list[int]:
        """The columns that are white from top to bottom."""
        return np.flatnonzero((image[2:-2] == 255).all(axis=(0, 2))).tolist()

    assert columns(strip([1] * 60)) == []
    recent, older = columns(strip([1] * 30 + [2] * 10)), columns(strip([1] * 30 + [2] * 40))
    assert 1 <= len(recent) <= 4
    assert 0 < older[0] < recent[0]
    assert columns(strip([1] * 30 + [2] * 110)) == []
