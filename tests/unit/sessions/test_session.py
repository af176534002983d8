import dataclasses
import json
import math
import sys
import tracemalloc

import cv2
import numpy as np
import pytest

from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import ConfigError
from emolens.core.frame import Frame
from emolens.core.geometry import Box
from emolens.sessions.session import MAX_CUTS, SessionSummary
from tests.unit.sessions.session_cases import (
    FPS,
    FRAME,
    face_of,
    result_of,
    session_of,
    steadily,
)

HAPPY, SAD, NEUTRAL = Emotion.HAPPY, Emotion.SAD, Emotion.NEUTRAL


def test_shown_times_add_up_to_the_visible_time_and_to_the_session() -> None:
    session = session_of(steadily([HAPPY] * 50 + [SAD] * 25 + [None] * 25))
    (track,) = session.tracks
    assert track.shown.seconds(HAPPY) == pytest.approx(2.0)
    assert track.shown.seconds(SAD) == pytest.approx(1.0)
    assert track.shown.uncertain_s == pytest.approx(1.0)
    shares = [track.shown.share(label) or 0 for label in (*Emotion, None)]
    assert sum(shares) == pytest.approx(1)
    assert track.shown.visible_s == pytest.approx(session.duration_s) == pytest.approx(4.0)
    assert track.shown.most_shown is HAPPY
    assert session.shown.to_dict() == track.shown.to_dict()


def test_an_empty_session_has_nothing_and_does_not_fail() -> None:
    session = SessionSummary().finish()
    assert (session.n_frames, session.n_tracks, session.duration_s) == (0, 0, 0.0)
    assert session.shown.most_shown is None
    assert session.shown.share(HAPPY) is None


def test_a_single_frame_counts_for_a_moment() -> None:
    session = session_of(steadily([HAPPY], start_s=7.0))
    (track,) = session.tracks
    assert session.start_s == track.first_s == 7.0
    assert track.shown.visible_s == pytest.approx(0.04)
    assert track.shown.share(HAPPY) == pytest.approx(1)
    assert [entry.label for entry in track.timeline.bins] == [HAPPY]


def test_frames_without_a_face_and_dropped_frames_are_counted() -> None:
    summary = SessionSummary()
    for n in range(10):
        faces = [face_of()] if n >= 4 else []
        summary.write(FRAME, result_of(n * 0.1, faces, dropped=n % 3))
    session = summary.finish()
    assert (session.n_frames, session.n_without_face, session.n_dropped) == (10, 4, 9)
    assert session.without_face_s == pytest.approx(0.4)


def test_a_pause_of_the_stream_is_not_counted_as_shown() -> None:
    session = session_of([(0.0, [face_of()]), (0.1, [face_of()]), (60.0, [face_of()])])
    (track,) = session.tracks
    assert track.shown.visible_s == pytest.approx(0.1 + 0.5 + 0.5)
    assert session.duration_s == pytest.approx(60.5)
    (gap,) = track.gaps
    assert gap.start_s == pytest.approx(0.6)
    assert gap.end_s == 60.0


def test_sparse_frames_may_stand_for_longer() -> None:
    summary = SessionSummary(max_hold_s=2.0)
    session = session_of([(2.0 * n, [face_of()]) for n in range(5)], summary=summary)
    (track,) = session.tracks
    assert track.shown.visible_s == pytest.approx(10.0)
    assert track.n_gaps == 0


def test_a_hidden_face_leaves_a_gap_and_a_blink_does_not() -> None:
    moments = steadily([HAPPY] * 100)
    hidden = {*range(20, 24), *range(50, 75)}
    session = session_of(
        (at_s, [] if n in hidden else faces) for n, (at_s, faces) in enumerate(moments)
    )
    (track,) = session.tracks
    assert track.n_gaps == 1
    assert track.gaps[0].start_s == pytest.approx(50 / FPS)
    assert track.gaps[0].end_s == pytest.approx(75 / FPS)
    assert track.gaps_s == pytest.approx(1.0)
    starts_s = [entry.index * track.timeline.bin_s for entry in track.timeline.bins]
    assert not [at_s for at_s in starts_s if 2.01 < at_s < 2.94]
    assert track.shown.visible_s == pytest.approx((100 - len(hidden)) / FPS)


def test_the_longest_gaps_are_kept_and_all_are_counted() -> None:
    n = 80
    moments = [(sum(range(k)) * 0.01 + k, [face_of()]) for k in range(1, n + 1)]
    (track,) = session_of(moments).tracks
    assert track.n_gaps == n - 1
    assert len(track.gaps) == 50
    durations_s = [gap.duration_s for gap in track.gaps]
    assert min(durations_s) == pytest.approx(0.5 + 0.01 * (n - 50))
    assert [gap.start_s for gap in track.gaps] == sorted(gap.start_s for gap in track.gaps)
    assert track.gaps_s > sum(durations_s)


def test_changes_are_counted_but_not_through_uncertainty_or_a_gap() -> None:
    labels = [HAPPY, SAD, SAD, HAPPY, SAD, None, HAPPY]
    moments = steadily(labels)
    moments += steadily([NEUTRAL, NEUTRAL, SAD], start_s=3.0)
    (track,) = session_of(moments).tracks
    expected = np.zeros((7, 7), np.int64)
    expected[HAPPY.index, SAD.index] = 2
    expected[SAD.index, HAPPY.index] = 1
    expected[NEUTRAL.index, SAD.index] = 1
    np.testing.assert_array_equal(track.transitions, expected)
    assert not track.transitions.flags.writeable


def test_episodes_end_at_another_label_uncertainty_or_a_gap() -> None:
    moments = steadily([HAPPY, HAPPY, SAD, None, SAD, None, None, HAPPY])
    moments += steadily([HAPPY, HAPPY], start_s=3.0)
    (track,) = session_of(moments).tracks
    expected = [0] * 7
    expected[HAPPY.index], expected[SAD.index] = 3, 2
    assert track.episodes == tuple(expected)
    assert track.record.episodes["happy"] == 3


def test_means_are_weighted_by_time_and_leave_out_what_has_no_smoothed_scores() -> None:
    moments = [
        (0.0, [face_of(label=None, is_scored=False)]),
        (0.1, [face_of(label=HAPPY)]),
        (0.4, [face_of(label=SAD)]),
        (0.5, []),
    ]
    (track,) = session_of(moments).tracks
    assert track.mean_scores is not None
    by_label = track.mean_scores.to_dict()
    assert by_label["happy"] == pytest.approx(0.75 * 0.7 + 0.25 * 0.05, abs=1e-6)
    assert by_label["sad"] == pytest.approx(0.25 * 0.7 + 0.75 * 0.05, abs=1e-6)
    first, *_ = track.timeline.bins
    assert first.scores is None
    assert first.label is None


def test_wider_bins_keep_means_and_times() -> None:
    random = np.random.default_rng(5)
    labels = [[HAPPY, SAD, None][random.integers(3)] for _ in range(4000)]
    fine = session_of(steadily(labels), summary=SessionSummary(n_bins=4096)).tracks[0]
    coarse = session_of(steadily(labels), summary=SessionSummary(n_bins=8)).tracks[0]
    assert coarse.timeline.bin_s == 0.05 * 512
    assert len(coarse.timeline.bins) <= 8
    for entry in coarse.timeline.bins:
        inside = [one for one in fine.timeline.bins if one.index // 512 == entry.index]
        weights = [one.visible_s for one in inside]
        assert entry.visible_s == pytest.approx(sum(weights))
        merged = np.average(
            [one.scores.probabilities for one in inside if one.scores], axis=0, weights=weights
        )
        assert entry.scores is not None
        np.testing.assert_allclose(entry.scores.probabilities, merged, atol=1e-5)
    total_s = sum(entry.visible_s for entry in coarse.timeline.bins)
    assert total_s == pytest.approx(coarse.shown.visible_s)


@pytest.mark.slow
def test_a_hundred_thousand_results_need_no_more_memory_than_a_thousand() -> None:
    summary = SessionSummary(n_bins=64)
    faces = [face_of(1, HAPPY), face_of(2, SAD)]

    def write(start: int, stop: int) -> int:
        for n in range(start, stop):
            visible = faces if n % 50 < 30 else faces[:1]
            summary.write(FRAME, result_of(n / FPS, visible))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        early = write(0, 4000)
        late = write(4000, 100_000)
    finally:
        tracemalloc.stop()
    assert late - early < 20_000
    session = summary.finish()
    assert session.n_frames == 100_000
    assert session.duration_s == pytest.approx(4000)
    for track in session.tracks:
        assert 32 <= len(track.timeline.bins) <= 64
    assert session.tracks[1].n_gaps == 1999


def test_tracks_beyond_the_limit_stay_in_the_totals() -> None:
    summary = SessionSummary(n_bins=8, max_tracks=4)
    n_tracks = 50
    for n in range(n_tracks):
        for part in range(10 if n % 10 == 0 else 2):
            faces = [face_of(n, SAD), face_of(1000, HAPPY)]
            summary.write(FRAME, result_of(n + part * 0.04, faces))
    session = summary.finish()
    assert session.n_tracks == n_tracks + 1
    assert session.n_other_tracks == n_tracks + 1 - 4
    assert {track.track_id for track in session.tracks} <= {0, 10, 20, 30, 40, 1000}
    kept_s = sum(track.shown.visible_s for track in session.tracks)
    assert kept_s + session.others_s == pytest.approx(session.shown.visible_s)


def test_more_faces_at_once_than_may_be_kept_are_no_problem() -> None:
    crowd = [face_of(n) for n in range(20)]
    session = session_of([(n / FPS, crowd) for n in range(5)], summary=SessionSummary(max_tracks=3))
    assert len(session.tracks) == 3
    kept_s = sum(track.shown.visible_s for track in session.tracks)
    assert kept_s + session.others_s == pytest.approx(session.shown.visible_s)


def test_a_source_that_starts_anew_goes_on_behind_what_was_there() -> None:
    moments = steadily([HAPPY] * 25, start_s=100.0) + steadily([SAD] * 25, start_s=0.0)
    session = session_of(moments)
    (track,) = session.tracks
    assert session.n_restarts == 1
    assert session.start_s == 100.0
    assert session.duration_s == pytest.approx(2.0)
    assert track.shown.seconds(HAPPY) == pytest.approx(1.0)
    assert track.shown.seconds(SAD) == pytest.approx(1.0)
    assert track.n_gaps == 0


def test_the_pieces_of_a_joined_file_are_counted() -> None:
    summary = SessionSummary()
    for n in range(6):
        frame = dataclasses.replace(FRAME, clock_offsets_s=(n // 2 + 1) * (0.0,))
        summary.write(frame, result_of(n / FPS, [face_of()]))
    session = summary.finish()
    assert session.n_restarts == 2
    assert session.duration_s == pytest.approx(6 / FPS)


@pytest.mark.parametrize("odd_s", [math.nan, math.inf, -5.0])
def test_odd_times_do_no_harm(odd_s: float) -> None:
    moments = [(0.0, [face_of()]), (0.1, [face_of()]), (odd_s, [face_of()]), (0.3, [face_of()])]
    session = session_of(moments)
    assert session.n_frames == 4
    assert 0.2 < session.tracks[0].shown.visible_s <= 1.5
    json.dumps(session.to_dict(), allow_nan=False)


def test_times_below_zero_and_frames_at_the_same_time_are_fine() -> None:
    session = session_of([(-1.0, [face_of()]), (-1.0, [face_of()]), (-0.9, [face_of()])])
    assert session.start_s == -1.0
    assert session.tracks[0].shown.visible_s == pytest.approx(0.2)
    standing = session_of([(2.0, [face_of()])] * 3)
    assert standing.tracks[0].shown.share(HAPPY) is None
    assert standing.tracks[0].timeline.bins == ()


def test_faces_without_a_track_only_count_in_the_totals() -> None:
    session = session_of([(n / FPS, [face_of(None)]) for n in range(25)])
    assert session.n_tracks == 0
    assert session.shown.seconds(HAPPY) == pytest.approx(1.0)


def test_nobody_is_shown_unless_asked_for() -> None:
    assert session_of(steadily([HAPPY] * 3)).tracks[0].thumbnail_jpeg is None


def test_the_sharpest_face_that_can_be_assessed_is_kept() -> None:
    def frame(blue: int) -> Frame:
        image = np.zeros((120, 160, 3), np.uint8)
        image[:, :, 0] = blue
        return Frame(image)

    summary = SessionSummary(thumbnails=True)
    views = [(50, HAPPY, 1.0), (100, HAPPY, 3.0), (150, None, 9.0), (200, HAPPY, 2.0)]
    for n, (blue, label, sharpness) in enumerate(views):
        summary.write(frame(blue), result_of(n / FPS, [face_of(label=label, sharpness=sharpness)]))
    edge = face_of(2, box=Box(160, 10, 160, 30))
    summary.write(frame(9), result_of(len(views) / FPS, [edge]))
    track, at_the_edge = summary.finish().tracks
    assert track.thumbnail_jpeg is not None
    thumbnail = cv2.imdecode(np.frombuffer(track.thumbnail_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert thumbnail is not None
    assert thumbnail.shape == (64, 64, 3)
    np.testing.assert_allclose(thumbnail[32, 32], (100, 0, 0), atol=4)
    assert at_the_edge.thumbnail_jpeg is None


def test_a_session_turns_into_json_without_images() -> None:
    summary = SessionSummary(thumbnails=True)
    session = session_of(steadily([HAPPY, None, SAD]), summary=summary)
    record = session.to_dict()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    track = session.tracks[0].to_dict()
    assert session.tracks[0].thumbnail_jpeg is not None
    assert track["seconds"] == session.tracks[0].shown.to_dict()
    assert [*session.shown.to_dict()] == [*LABELS, "uncertain"]
    assert track["most_shown"] == "happy"
    assert "thumbnail_jpeg" not in track


def test_finish_can_be_asked_twice_and_in_between() -> None:
    summary = SessionSummary()
    session_of(steadily([HAPPY] * 10), summary=summary)
    assert summary.finish().to_dict() == summary.finish().to_dict()
    session = session_of(steadily([HAPPY] * 10, start_s=10 / FPS), summary=summary)
    assert session.tracks[0].shown.visible_s == pytest.approx(20 / FPS)


def test_what_was_seen_before_an_error_is_not_lost() -> None:
    summary = SessionSummary()
    with pytest.raises(RuntimeError, match="torn"), summary:
        summary.write(FRAME, result_of(0.0, [face_of()]))
        raise RuntimeError("torn")
    assert summary.finish().n_frames == 1


def test_no_frame_is_kept() -> None:
    summary = SessionSummary(thumbnails=True)
    frame = Frame(np.zeros((120, 160, 3), np.uint8))
    before = sys.getrefcount(frame)
    summary.write(frame, result_of(0.0, [face_of()]))
    assert sys.getrefcount(frame) == before


@pytest.mark.parametrize(
    "options", [{"n_bins": 7}, {"n_bins": 0}, {"max_tracks": 0}, {"max_hold_s": 0.0}]
)
def test_impossible_settings_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="allowed: an even number of bins"):
        SessionSummary(**options)  # type: ignore[arg-type]


def test_former_names_give_the_same_with_a_warning() -> None:
    session = SessionSummary().finish()
    for old, new in (
        ("persons", "tracks"),
        ("n_persons", "n_tracks"),
        ("n_other_persons", "n_other_tracks"),
    ):
        with pytest.warns(DeprecationWarning, match=rf"Session.{old} is dep.* Use Session.{new}\."):
            assert getattr(session, old) == getattr(session, new)


def test_shots_and_cuts_are_kept_with_their_times() -> None:
    summary = SessionSummary()
    for number in range(8):
        summary.write(FRAME, dataclasses.replace(result_of(10 + number / 2), shot=3 + number // 3))
    session = summary.finish()
    assert (session.n_shots, session.cuts_s) == (3, (11.5, 13.0))
    record = session.to_dict()
    assert (record["n_shots"], record["cuts_s"]) == (3, [11.5, 13.0])


def test_cuts_are_bounded_and_all_shots_are_counted() -> None:
    summary = SessionSummary()
    for number in range(MAX_CUTS + 5):
        summary.write(FRAME, dataclasses.replace(result_of(number / 25), shot=number + 1))
    session = summary.finish()
    assert session.n_shots == MAX_CUTS + 5
    assert session.cuts_s == pytest.approx([(1 + n) / 25 for n in range(MAX_CUTS)])


def test_after_a_restart_of_the_source_cuts_go_on_in_time() -> None:
    summary = SessionSummary()
    for shot, at_s in ((1, 5.0), (1, 5.04), (2, 0.0), (3, 0.04)):
        summary.write(FRAME, dataclasses.replace(result_of(at_s), shot=shot))
    assert summary.finish().cuts_s == pytest.approx((5.08, 5.12))
