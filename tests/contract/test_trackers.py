import gc
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.face import FaceDetection, TrackedFace, TrackState
from emolens.core.geometry import Box
from emolens.core.ports import FaceTracker
from emolens.tracking import TRACKER_NAMES, build_tracker

RATE_HZ = 10
TRACKLETS = ("ByteTrack", "OCSORT", "BoTSORT")
Look = Sequence[FaceDetection]


@pytest.fixture(params=TRACKER_NAMES)
def tracker(request: pytest.FixtureRequest) -> FaceTracker:
    name: str = request.param
    return build_tracker(name)


def face(x: float, y: float, side: float = 80, score: float = 0.9) -> FaceDetection:
    return FaceDetection(Box.from_center((x, y), side), score)


def run(tracker: FaceTracker, looks: Iterable[Look], from_s: float = 0.0) -> list[list[int]]:
    """The numbers of the faces that were seen in every look."""
    return [
        seen_ids(tracker.update(look, from_s + index / RATE_HZ)) for index, look in enumerate(looks)
    ]


def seen_ids(tracks: Sequence[TrackedFace]) -> list[int]:
    return [track.track_id for track in tracks if track.detection is not None]


def test_one_face_has_one_number_for_ten_minutes(
    tracker: FaceTracker, rng: np.random.Generator
) -> None:
    for index in range(600 * RATE_HZ):
        at_s = index / RATE_HZ
        jitter = rng.normal(0, 2, 3)
        found = face(
            320 + 120 * np.sin(at_s / 3) + jitter[0], 240 + jitter[1], 80 + 2 * float(jitter[2])
        )
        (track,) = tracker.update([found], at_s)
        assert track.track_id == 1
        assert track.detection is found
        assert track.age_s == at_s
    assert track.unseen_s == 0


def crossing(*, side: float, speed_px_s: float, rate_hz: float) -> list[tuple[float, Look]]:
    """Two faces that pass each other, the second one behind the first: only its visible part."""
    looks: list[tuple[float, Look]] = []
    half_s = 250 / speed_px_s
    for at_s in np.arange(0, 2 * half_s, 1 / rate_hz):
        front = Box.from_center((70 + speed_px_s * at_s, 240), side)
        behind = Box.from_center((570 - speed_px_s * at_s, 250), side)
        visible = behind
        if behind.x_min < front.x_max and behind.x_max > front.x_min:
            left, right = front.x_min - behind.x_min, behind.x_max - front.x_max
            if left > right:
                visible = Box(behind.x_min, behind.y_min, front.x_min, behind.y_max)
            else:
                visible = Box(front.x_max, behind.y_min, max(behind.x_max, front.x_max), 290)
        look = [FaceDetection(front, 0.9)]
        if visible.width > 0.45 * side:
            look.append(FaceDetection(visible, 0.8))
        looks.append((float(at_s), look))
    return looks


@pytest.mark.parametrize("rate_hz", [10.0, 30.0])
@pytest.mark.parametrize("speed_px_s", [60.0, 100.0, 150.0])
def test_two_crossing_faces_keep_their_numbers(
    tracker: FaceTracker, speed_px_s: float, rate_hz: float
) -> None:
    n_looks = n_right = n_hidden = 0
    for at_s, look in crossing(side=100, speed_px_s=speed_px_s, rate_hz=rate_hz):
        numbers = {track.detection: track.track_id for track in tracker.update(look, at_s)}
        n_hidden += len(look) == 1
        n_looks += len(look)
        n_right += sum(numbers.get(found) == number for number, found in enumerate(look, 1))
    assert n_hidden >= 3
    # Where every face has one right number, IDF1 is this share.
    assert n_right / n_looks >= 0.95
    assert numbers[look[0]] == 1
    assert numbers[look[1]] == 2


@pytest.mark.parametrize("speed_px_s", [0.0, 40.0, 150.0])
def test_half_a_second_out_of_sight_keeps_the_number(
    tracker: FaceTracker, speed_px_s: float
) -> None:
    looks = [[face(100 + speed_px_s * index / RATE_HZ, 200)] for index in range(30)]
    looks[15:20] = [[]] * 5
    numbers = run(tracker, looks)
    assert numbers == [[1]] * 15 + [[]] * 5 + [[1]] * 10


def test_a_face_that_was_seen_once_keeps_its_number_over_one_look(tracker: FaceTracker) -> None:
    assert run(tracker, [[face(100, 100)], [], [face(102, 100)]]) == [[1], [], [1]]


def test_a_face_that_was_seen_twice_keeps_its_number_for_half_a_second(
    tracker: FaceTracker,
) -> None:
    looks: list[Look] = [[face(100, 100)], [face(101, 100)], *[[]] * 5, [face(102, 100)]]
    assert run(tracker, looks) == [[1], [1], *[[]] * 5, [1]]


def test_a_lost_face_is_told_with_its_time_and_then_forgotten(tracker: FaceTracker) -> None:
    tracker.update([face(100, 100)], 0.0)
    tracker.update([face(100, 100)], 0.1)
    (lost,) = tracker.update([], 0.4)
    assert (lost.state, lost.detection) == (TrackState.PREDICTED, None)
    assert lost.unseen_s == pytest.approx(0.3)
    assert lost.age_s == pytest.approx(0.4)
    assert lost.box.iou(Box.from_center((100, 100), 80)) > 0.8
    assert tracker.update([], 5.0) == []
    assert run(tracker, [[face(100, 100)]], from_s=5.1) == [[2]]


def test_states_of_a_face(tracker: FaceTracker) -> None:
    looks: list[Look] = [[face(100, 100)], [face(101, 100)], [], [face(102, 100)]]
    states = [tracker.update(look, index / RATE_HZ)[0].state for index, look in enumerate(looks)]
    assert states == [TrackState.NEW, TrackState.SEEN, TrackState.PREDICTED, TrackState.SEEN]


def test_no_faces_at_all(tracker: FaceTracker) -> None:
    assert run(tracker, [[]] * 5) == [[]] * 5
    assert run(tracker, [[face(100, 100)]], from_s=1.0) == [[1]]


def test_a_face_that_jumps_away_is_another_one(tracker: FaceTracker) -> None:
    looks = [[face(100, 100)]] * 10 + [[face(560, 400)]] * 5
    assert run(tracker, looks) == [[1]] * 10 + [[2]] * 5


def test_a_face_of_another_size_in_the_same_place_is_another_one(tracker: FaceTracker) -> None:
    looks = [[face(300, 200, 40)]] * 10 + [[]] * 8 + [[face(300, 200, 300)]] * 3
    assert run(tracker, looks)[-1] == [2]


def test_numbers_are_never_given_twice(tracker: FaceTracker) -> None:
    given: list[int] = []
    for number in range(20):
        looks = [[face(100, 100), face(400, 300)]] * 2
        given += run(tracker, looks, from_s=100.0 * number)[-1]
        if number % 3 == 0:
            tracker.reset()
    assert len(set(given)) == len(given) == 40
    assert given == sorted(given)


def test_time_that_goes_back_starts_anew(tracker: FaceTracker) -> None:
    assert run(tracker, [[face(100, 100)]] * 3, from_s=7.0) == [[1]] * 3
    assert run(tracker, [[face(100, 100)]] * 3, from_s=-2.0) == [[2]] * 3


def test_equal_times_are_the_same_moment(tracker: FaceTracker) -> None:
    tracks = [tracker.update([face(100, 100)], 1.0)[0] for _ in range(6)]
    tracks += tracker.update([face(100, 100)], 1.1)
    assert [track.track_id for track in tracks] == [1] * 7
    assert [track.state for track in tracks] == [TrackState.NEW] + [TrackState.SEEN] * 6


@pytest.mark.parametrize("gap_s", [3.0, 3600.0, 1e9])
def test_a_long_gap_ends_all_tracks(tracker: FaceTracker, gap_s: float) -> None:
    assert run(tracker, [[face(100, 100)]] * 3) == [[1]] * 3
    assert run(tracker, [[face(100, 100)]] * 3, from_s=gap_s) == [[2]] * 3


def test_fifty_faces(tracker: FaceTracker, rng: np.random.Generator) -> None:
    places = np.array([(100 * (i % 10) + 50, 100 * (i // 10) + 50) for i in range(50)], float)
    first: dict[int, int] = {}
    for index in range(20):
        places += rng.normal(0, 2, places.shape)
        order = rng.permutation(50)
        look = [face(places[place, 0], places[place, 1], 60) for place in order]
        tracks = {track.detection: track.track_id for track in tracker.update(look, index / 10)}
        numbers = {int(place): tracks[found] for place, found in zip(order, look, strict=True)}
        first = first or numbers
        assert numbers == first
    assert sorted(first.values()) == list(range(1, 51))


def test_detections_of_one_place_have_a_number_each(tracker: FaceTracker) -> None:
    look = [face(100, 100), face(100, 100), face(100.1, 100)]
    for index in range(3):
        tracks = tracker.update(look, index / RATE_HZ)
        assert {track.detection for track in tracks} == set(look)
        assert [track.track_id for track in tracks] == [1, 2, 3]


def test_a_faint_face_begins_no_track_and_less_than_a_pixel_is_none(
    tracker: FaceTracker,
) -> None:
    looks: list[Look] = [[face(100, 100, score=0.2)], [face(100, 100, side=0.5)]]
    assert run(tracker, looks) == [[], []]


def test_many_short_tracks_leave_nothing_behind(
    tracker: FaceTracker, rng: np.random.Generator
) -> None:
    def n_objects() -> int:
        gc.collect()
        kinds = {"_Track", "Motion", "_Place", *(f"{n}Tracklet" for n in TRACKLETS)}
        return sum(
            type(thing).__name__ in (*kinds, "BoTSORTTracklet") for thing in gc.get_objects()
        )

    before = n_objects()
    most = highest = 0
    # Ten at a time, each in one look only: 10,000 tracks in all.
    for index in range(1000):
        places = itertools.product(range(5), range(2))
        look = [
            face(400 * x + rng.uniform(0, 200), 400 * y + rng.uniform(0, 200) + 1000 * (index % 9))
            for x, y in places
        ]
        tracks = tracker.update(look, index * 1.0)
        most, highest = max(most, len(tracks)), max(track.track_id for track in tracks)
        if index == 100:
            early = n_objects()
    assert highest >= 9000
    assert most <= 60
    assert n_objects() - before <= 2 * (early - before)
    tracker.reset()
    assert n_objects() - before <= 1


boxes = st.tuples(
    st.floats(-200, 900), st.floats(-200, 900), st.floats(0, 400), st.floats(0, 400)
).map(lambda b: Box(b[0], b[1], b[0] + b[2], b[1] + b[3]))
looks = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.001, 0.033, 0.1, 1.0, 30.0, -1.0]),
        st.lists(st.builds(FaceDetection, boxes, st.floats(0, 1)), max_size=5),
    ),
    max_size=15,
)


@pytest.mark.parametrize("name", TRACKER_NAMES)
@settings(max_examples=50, deadline=None)
@given(looks=looks)
def test_every_detection_has_at_most_one_track_and_every_track_one_number(
    name: str, looks: list[tuple[float, Look]]
) -> None:
    tracker, at_s = build_tracker(name), 0.0
    for step_s, look in looks:
        at_s += step_s
        tracks = tracker.update(look, at_s)
        # By identity: two faces may look the same to a detector.
        used = [id(track.detection) for track in tracks if track.detection is not None]
        numbers = [track.track_id for track in tracks]
        assert len(set(used)) == len(used)
        assert set(used) <= set(map(id, look))
        assert numbers == sorted(set(numbers))
        # A clear face is always followed.
        clear = {id(f) for f in look if f.score >= 0.5 and min(f.box.width, f.box.height) >= 1}
        assert clear <= set(used)
        for track in tracks:
            assert (track.detection is None) == (track.state is TrackState.PREDICTED)
            assert track.unseen_s >= 0
            assert track.age_s >= track.unseen_s
