import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.pipeline.stream import StreamAnalyzer
from emolens.rendering.blur import FaceBlur, mosaic
from emolens.testing import Actor, FakeClassifier, MarkDetector, SyntheticSource, marked_image
from tests.unit.rendering.results import face, noise_frame, result

Pixels = npt.NDArray[np.uint8]


def n_colours(image: Pixels, box: Box) -> int:
    """How many different pixels there are inside a box."""
    height, width = image.shape[:2]
    x_min, y_min, x_max, y_max = map(round, box.clip((width, height)).to_tuple())
    inside = image[y_min:y_max, x_min:x_max].reshape(-1, 3)
    return len(np.unique(inside, axis=0))


def test_a_face_becomes_a_few_blocks_and_the_rest_stays() -> None:
    frame = noise_frame()
    box = Box(100, 60, 180, 160)
    blurred = FaceBlur().apply(frame.image, result(frame, [face(box)]))
    assert n_colours(blurred, box.pad(0.35)) <= 16
    outside = np.ones(frame.image.shape[:2], bool)
    outside[20:200, 60:220] = False
    np.testing.assert_array_equal(blurred[outside], frame.image[outside])
    assert not np.array_equal(blurred, frame.image)


def test_the_image_itself_is_not_changed() -> None:
    frame = noise_frame()
    before = frame.image.copy()
    FaceBlur().apply(frame.image, result(frame, [face(Box(100, 60, 180, 160))]))
    np.testing.assert_array_equal(frame.image, before)


@pytest.mark.parametrize(
    "box",
    [
        Box(0, 0, 60, 80),
        Box(300, 200, 320, 240),
        Box(0, 100, 8, 180),
        Box(100, 0, 180, 5),
        Box(-50, -50, 40, 40),
        Box(0, 0, 320, 240),
        Box(319, 239, 320, 240),
        Box(10.4, 10.6, 61.5, 62.5),
    ],
)
def test_faces_at_the_edges_are_as_coarse_as_others(box: Box) -> None:
    frame = noise_frame()
    blurred = FaceBlur().apply(frame.image, result(frame, [face(box)]))
    assert n_colours(blurred, box) <= 16


def test_a_strip_of_a_face_is_not_shown_in_finer_blocks_than_a_whole_one() -> None:
    frame = noise_frame()
    image = frame.image.copy()
    mosaic(image, Box(0, 60, 12, 180))
    # Blocks of 30 px: one across, four down.
    assert n_colours(image, Box(0, 60, 12, 180)) == 4


def test_blocks_are_means_and_so_tell_nothing_about_single_pixels(
    rng: np.random.Generator,
) -> None:
    image = np.full((120, 120, 3), 50, np.uint8)
    checks = np.indices((120, 120)).sum(axis=0) % 2 == 0
    image[checks] = 150
    mosaic(image, Box(0, 0, 120, 120))
    assert np.unique(image).tolist() == [100]


def test_a_lost_face_stays_blurred_for_a_second_and_more_widely() -> None:
    frame, blur = noise_frame(), FaceBlur()
    box = Box(100, 60, 180, 160)
    blur.apply(frame.image, result(frame, [face(box)], at_s=5.0))
    for away_s in (0.1, 0.5, 0.9):
        blurred = blur.apply(frame.image, result(frame, [], at_s=5.0 + away_s))
        assert n_colours(blurred, box.pad(0.35 + 0.5 * away_s - 0.01)) <= 16
    after = blur.apply(frame.image, result(frame, [], at_s=6.1))
    np.testing.assert_array_equal(after, frame.image)


def test_a_moving_face_that_is_lost_is_still_covered() -> None:
    """One that goes on with half its width a second, missed for most of a second."""
    frame, blur = noise_frame(), FaceBlur()
    blur.apply(frame.image, result(frame, [face(Box(100, 60, 180, 160))], at_s=0))
    for at_s in (0.2, 0.5, 0.9):
        blurred = blur.apply(frame.image, result(frame, [], at_s=at_s))
        assert n_colours(blurred, Box(100 + 40 * at_s, 60, 180 + 40 * at_s, 160)) <= 16


def test_all_faces_are_blurred_also_where_they_overlap() -> None:
    frame = noise_frame()
    boxes = [Box(20, 20, 100, 120), Box(70, 60, 150, 170), Box(220, 100, 300, 200)]
    faces = [face(box, track_id=number) for number, box in enumerate(boxes, 1)]
    blurred = FaceBlur().apply(frame.image, result(frame, faces))
    for box in boxes:
        assert n_colours(blurred, box) <= 72


def test_faces_without_numbers_are_blurred_too() -> None:
    frame = noise_frame()
    boxes = [Box(20, 20, 100, 120), Box(220, 100, 300, 200)]
    faces = [face(box, track_id=None, label=None) for box in boxes]
    blurred = FaceBlur().apply(frame.image, result(frame, faces))
    assert all(n_colours(blurred, box) <= 16 for box in boxes)


def test_another_stream_begins_without_the_faces_of_the_last() -> None:
    frame, blur = noise_frame(), FaceBlur()
    blur.apply(frame.image, result(frame, [face(Box(100, 60, 180, 160))], at_s=50.0))
    again = blur.apply(frame.image, result(frame, [], at_s=0.0))
    np.testing.assert_array_equal(again, frame.image)


def test_what_is_remembered_does_not_grow() -> None:
    frame, blur = noise_frame(64, 48), FaceBlur()
    for number in range(2000):
        shown = face(Box(10, 10, 20, 20), track_id=number)
        blur.apply(frame.image, result(frame, [shown], at_s=number / 30))
    assert len(blur._last) <= 31


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.floats(-60, 100), st.floats(-60, 100), st.floats(0, 150), st.floats(0, 150)),
)
def test_any_box_in_any_image(size_wh: tuple[int, int], box: tuple[float, ...]) -> None:
    frame = noise_frame(*size_wh)
    x, y, width, height = box
    place = Box(x, y, x + width, y + height)
    blurred = FaceBlur().apply(frame.image, result(frame, [face(place.clip(size_wh))]))
    assert blurred.shape == frame.image.shape
    assert n_colours(blurred, place) <= 16


class MissingDetector(MarkDetector):
    """Misses every face in some of its looks."""

    def detect(self, image: Pixels) -> list[FaceDetection]:
        found = super().detect(image)
        return found if self.n_calls % 12 < 7 else []


@pytest.mark.parametrize("speed_px_s", [0, 60, 120, 200])
def test_in_a_stream_no_frame_shows_a_face_that_was_seen_less_than_a_second_ago(
    speed_px_s: float,
) -> None:
    """Looked for ten times a second, missed for half a second again and again, over the edge."""
    actor = Actor(marked_image(0, brightness=128), lambda at_s: (60 + speed_px_s * at_s, 120, 80))
    source = SyntheticSource([actor], size_wh=(320, 240), duration_s=3)
    analyzer, blur = StreamAnalyzer(MissingDetector(), FakeClassifier()), FaceBlur()
    for frame in source:
        shown = blur.apply(frame.image, analyzer.step(frame))
        (box,) = source.faces_at(frame.media_time_s)
        assert box is not None
        x_min, y_min, x_max, y_max = map(round, box.clip((320, 240)).to_tuple())
        if x_max - x_min >= 4:
            untouched = (shown == frame.image).all(axis=2)[y_min:y_max, x_min:x_max]
            assert untouched.mean() < 0.02
