"""What a stream does at cuts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.frame import Frame, FrameResult
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.testing import (
    Actor,
    EditedSource,
    FakeClassifier,
    MarkDetector,
    Shot,
    SyntheticSource,
    cut_clip,
    drawn_place,
    marked_image,
)
from emolens.tracking import TRACKER_NAMES, build_tracker

WH = (320, 180)
BRIGHT_HAPPY, BRIGHT_SAD = 128, 164


def scene(seed: int, *, brightness: int = BRIGHT_HAPPY) -> Shot:
    """A face in the middle of a place, for a second. Nothing else has the blue of its mark."""
    ground = np.minimum(drawn_place(seed, size_wh=WH), 190)
    actor = Actor(marked_image(0, brightness=brightness), lambda _at_s: (160.0, 90.0, 80.0))
    return Shot(SyntheticSource([actor], size_wh=WH, background=ground).draw, 1.0)


def edited(*shots: Shot) -> list[Frame]:
    return list(EditedSource(shots, rate_hz=30))


def analyze(
    frames: Sequence[Frame], settings: StreamSettings | None = None, *, tracker: str = "bytetrack"
) -> list[FrameResult]:
    analyzer = StreamAnalyzer(
        MarkDetector(), FakeClassifier(), settings=settings, tracker=build_tracker(tracker)
    )
    return [analyzer.step(frame) for frame in frames]


def numbers(results: Sequence[FrameResult]) -> list[tuple[int, int | None]]:
    """The shots and tracks in order, without repetitions."""
    pairs = [(result.shot, face.track_id) for result in results for face in result.faces]
    return sorted(set(pairs), key=pairs.index)


@pytest.mark.parametrize("tracker", TRACKER_NAMES)
def test_a_track_ends_at_a_cut_though_the_next_face_is_at_its_place(tracker: str) -> None:
    frames = edited(scene(1), scene(2))
    assert numbers(analyze(frames, tracker=tracker)) == [(1, 1), (2, 2)]


def test_who_returns_after_a_cut_is_a_new_track() -> None:
    results = analyze(edited(scene(1), scene(2), scene(1)))
    assert numbers(results) == [(1, 1), (2, 2), (3, 3)]
    assert [result.shot for result in results] == [1] * 30 + [2] * 30 + [3] * 30


def test_the_first_frame_of_a_shot_is_detected_and_classified() -> None:
    # A cut between two detections, which are 0.1 s apart.
    frames = edited(replace(scene(1), duration_s=1.0333), scene(2, brightness=BRIGHT_SAD))
    results = analyze(frames)
    first = next(result for result in results if result.shot == 2)
    assert first.frame_index == 31
    assert {"detection", "classification"} <= first.timings_ms.keys()
    (face,) = first.faces
    assert face.scores_age_s == 0


def test_nothing_is_smoothed_across_a_cut() -> None:
    frames = edited(scene(1), scene(2, brightness=BRIGHT_SAD))
    face = analyze(frames)[30].faces[0]
    assert face.label is Emotion.SAD
    assert face.smoothed is not None
    np.testing.assert_array_equal(face.smoothed.probabilities, face.raw.probabilities)


def test_without_cuts_tracks_go_on() -> None:
    results = analyze(edited(scene(1), scene(2)), StreamSettings(cuts=False))
    assert numbers(results) == [(1, 1)]
    assert all("cuts" not in result.timings_ms for result in results)


def test_a_pause_and_a_jump_of_time_stamps_begin_shots_too() -> None:
    def at(at_s: float, **changes: object) -> Frame:
        return replace(edited(scene(1))[0], media_time_s=at_s, **changes)  # type: ignore[arg-type]

    joined = (0.0, 5.0)
    frames = [at(0.0), at(0.1), at(9.0), at(9.1, clock_offsets_s=joined), at(9.0)]
    for settings in (StreamSettings(), StreamSettings(cuts=False)):
        results = analyze(frames, settings)
        assert [result.shot for result in results] == [1, 1, 2, 3, 4]
        assert numbers(results) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_a_second_loop_has_new_numbers() -> None:
    analyzer = StreamAnalyzer(MarkDetector(), FakeClassifier())
    analyzer.restart()
    found = []
    for _ in range(2):
        found += [analyzer.step(frame) for frame in edited(scene(1), scene(2))]
        analyzer.restart()
    assert numbers(found) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_a_limited_share_of_time_delays_no_detection_at_a_cut() -> None:
    ticks = iter(range(10**6))
    analyzer = StreamAnalyzer(
        MarkDetector(),
        FakeClassifier(),
        settings=StreamSettings(detect_share=0.1, classify_share=0.1),
        clock=lambda: next(ticks) * 0.1,  # every stage takes 0.1 s
    )
    results = [analyzer.step(frame) for frame in edited(scene(1), scene(2))]
    assert results[30].shot == 2
    assert len(results[30].faces) == 1


def test_two_real_faces_at_one_place() -> None:
    """The clip in which one track became two subjects."""
    analyzer = StreamAnalyzer.load()
    results = [analyzer.step(frame) for frame in cut_clip(shot_s=0.6)]
    assert numbers(results) == [(1, 1), (2, 2), (3, 3)]
    shown = {face.track_id: face.label for result in results for face in result.faces}
    assert shown == {1: Emotion.HAPPY, 2: Emotion.NEUTRAL, 3: Emotion.HAPPY}
