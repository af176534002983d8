import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.sessions.track_tally import (
    TimeGrid,
    TrackTally,
    mean_scores,
    no_sums,
    rates_of,
    shown_time,
)
from tests.unit.sessions.session_cases import face_of


def test_time_is_spread_over_the_bins_it_touches() -> None:
    grid = TimeGrid(10.0, bin_s=0.5, n_bins=4)
    sums = grid.empty()
    grid.add(sums, rates_of(face_of()), 10.25, 11.6)
    assert [shown_time(row).visible_s for row in sums] == pytest.approx([0.25, 0.5, 0.5, 0.1])


def test_what_ends_on_an_edge_stays_inside() -> None:
    grid = TimeGrid(0.0, bin_s=0.1, n_bins=4)
    sums = grid.empty()
    assert grid.reach(0.4) == 0
    grid.add(sums, rates_of(face_of()), 0.3, 0.4)
    assert [shown_time(row).visible_s for row in sums] == pytest.approx([0, 0, 0, 0.1])


def test_bins_double_until_they_reach() -> None:
    grid = TimeGrid(0.0, bin_s=0.1, n_bins=4)
    assert grid.reach(1.0) == 2
    assert grid.bin_s == pytest.approx(0.4)


def test_a_record_follows_its_grid() -> None:
    grid = TimeGrid(0.0, bin_s=0.1, n_bins=4)
    record = TrackTally(3, 0.0, grid)
    record.add(face_of(label=Emotion.SAD), rates_of(face_of(label=Emotion.SAD)), 0.0, 0.1)
    record.add(face_of(label=Emotion.FEAR), rates_of(face_of(label=Emotion.FEAR)), 0.1, 0.4)
    for _ in range(grid.reach(0.8)):
        record.merge_bins()
    first, second = record.summary().timeline.bins
    assert first.visible_s == pytest.approx(0.2)
    assert second.visible_s == pytest.approx(0.2)
    assert first.scores is not None
    assert first.scores.to_dict()["sad"] == pytest.approx(0.375)
    assert second.label is Emotion.FEAR


def test_what_was_never_scored_has_no_mean() -> None:
    assert mean_scores(no_sums()) is None
    assert mean_scores(rates_of(face_of(label=None, is_scored=False))) is None
    assert shown_time(rates_of(face_of(label=None))).uncertain_s == 1
    assert np.count_nonzero(rates_of(face_of(label=None, is_scored=False))) == 1
