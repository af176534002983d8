import pytest

from emolens.core.errors import ConfigError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.tracking import DEFAULT_TRACKER, TRACKER_NAMES, build_tracker, check_tracker_name


@pytest.mark.parametrize("name", TRACKER_NAMES)
def test_a_tracker_has_the_name_it_was_asked_for_by(name: str) -> None:
    check_tracker_name(name)
    assert build_tracker(name).name == name


def test_the_default_is_one_of_the_names() -> None:
    assert build_tracker().name == DEFAULT_TRACKER
    assert DEFAULT_TRACKER in TRACKER_NAMES


def test_an_unknown_name_is_refused_with_those_allowed() -> None:
    for call in (check_tracker_name, build_tracker):
        with pytest.raises(ConfigError, match="unknown tracker 'sort'.*bytetrack, ocsort, cbiou"):
            call("sort")


@pytest.mark.parametrize("buffer_s", [0.0, -1.0, float("inf"), float("nan")])
def test_a_buffer_has_to_be_positive(buffer_s: float) -> None:
    with pytest.raises(ConfigError, match="buffer_s"):
        build_tracker(buffer_s=buffer_s)


@pytest.mark.parametrize("name", TRACKER_NAMES)
def test_the_buffer_says_how_long_a_face_may_be_away(name: str) -> None:
    found = FaceDetection(Box(100, 100, 180, 180), 0.9)
    for away_s, number in ((0.7, 1), (1.5, 2)):
        tracker = build_tracker(name, buffer_s=1.0)
        for at_s in (0.0, 0.1, 0.2):
            tracker.update([found], at_s)
        (track,) = tracker.update([found], 0.2 + away_s)
        assert track.track_id == number
