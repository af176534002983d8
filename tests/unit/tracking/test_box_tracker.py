from dataclasses import dataclass

import numpy as np
import pytest
from trackers import ByteTrackTracker

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.tracking import BoxTracker, build_tracker


def face(x: float, score: float = 0.9) -> FaceDetection:
    return FaceDetection(Box.from_center((x, 200), 80), score)


def test_it_has_the_name_it_was_given() -> None:
    assert BoxTracker(ByteTrackTracker(), name="mine").name == "mine"


def test_tracks_come_by_number_whatever_the_order_of_detections() -> None:
    tracker = build_tracker()
    tracker.update([face(100), face(400)], 0.0)
    tracks = tracker.update([face(401), face(700), face(101)], 0.1)
    assert [(t.track_id, round(t.box.center_xy[0])) for t in tracks] == [
        (1, 101),
        (2, 401),
        (3, 700),
    ]


def test_a_seen_face_has_the_box_of_its_detection_unchanged() -> None:
    tracker = build_tracker()
    for index in range(5):
        found = face(100 + 13 * index)
        (track,) = tracker.update([found], index / 10)
        assert track.box == found.box


def test_a_faint_detection_keeps_a_track_alive() -> None:
    tracker = build_tracker("bytetrack")
    tracker.update([face(100)], 0.0)
    faint = face(101, score=0.2)
    (track,) = tracker.update([faint], 0.1)
    assert (track.track_id, track.detection) == (1, faint)


def test_a_face_that_comes_out_behind_another_gets_its_number_back_though_it_was_let_go() -> None:
    # Out of sight for so long and so far that boxes alone do not overlap.
    tracker = build_tracker()
    for index in range(15):
        tracker.update([face(100 + 20 * index)], index / 10)
    for index in range(15, 23):
        tracker.update([], index / 10)
    (track,) = tracker.update([face(100 + 20 * 23)], 2.3)
    assert track.track_id == 1
    assert track.age_s == pytest.approx(2.3)


def test_the_clock_of_the_tracker_never_goes_back() -> None:
    @dataclass
    class Recorder:
        times_s: list[float]

    recorder = Recorder([])

    class RecordingSink(ByteTrackTracker):
        def update(self, detections, frame=None, timestamp=None):  # type: ignore[no-untyped-def]
            recorder.times_s.append(timestamp)
            return super().update(detections, frame, timestamp)

    tracker = BoxTracker(RecordingSink(), name="recording")
    for at_s in (-5.0, -4.9, -4.9, -4.9, 1e6, 3.0, 3.1):
        tracker.update([face(100)], at_s)
    assert min(recorder.times_s) > 0
    assert (np.diff(recorder.times_s) > 0).all()
