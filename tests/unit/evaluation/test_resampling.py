from dataclasses import replace

import numpy as np
import pytest

from emolens.evaluation.resampling import mean_difference, mean_interval, share_interval

pytestmark = pytest.mark.slow


def test_the_interval_covers_the_true_share_about_95_times_in_100() -> None:
    rng = np.random.default_rng(5)
    n_covered = 0
    for _ in range(200):
        low, high = mean_interval((rng.random(300) < 0.3).astype(np.float64))
        n_covered += low <= 0.3 <= high
    assert 180 <= n_covered <= 199


def test_copies_that_are_hit_together_widen_the_interval_as_they_should() -> None:
    # Sixty images, five copies of each: 300 faces that know no more than sixty.
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(60), 5)
    n_covered = n_covered_without = 0
    for _ in range(200):
        hits = np.repeat(rng.random(60) < 0.3, 5).astype(np.float64)
        low, high = mean_interval(hits, groups)
        n_covered += low <= 0.3 <= high
        low, high = mean_interval(hits)
        n_covered_without += low <= 0.3 <= high
    assert 176 <= n_covered <= 199
    assert n_covered_without < 140


def test_the_order_and_the_numbers_of_groups_do_not_matter() -> None:
    rng = np.random.default_rng(7)
    values, groups = rng.random(50), rng.integers(0, 20, 50)
    order = rng.permutation(50)
    expected = mean_interval(values, groups)
    assert mean_interval(values[order], groups[order]) == pytest.approx(expected)
    assert mean_interval(values, groups + 1000) == expected


def test_the_same_mean_everywhere_is_a_point() -> None:
    assert mean_interval(np.ones(3)) == (1, 1)
    assert mean_interval(np.array([0.0, 1.0]), np.array([4, 4])) == (0.5, 0.5)


def test_wilson_interval_of_a_known_case() -> None:
    # Brown, Cai and DasGupta 2001 give the formula; 8 of 10 by hand.
    low, high = share_interval(np.array([True] * 8 + [False] * 2))
    z = 1.959964
    middle = (8 + z**2 / 2) / (10 + z**2)
    half = z / (10 + z**2) * np.sqrt(8 * 2 / 10 + z**2 / 4)
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=1e-6)


def test_the_interval_of_a_difference_covers_it_about_95_times_in_100() -> None:
    rng = np.random.default_rng(8)
    is_first = np.arange(260) < 60
    n_covered = n_adjusted = 0
    for _ in range(200):
        hits = np.where(is_first, rng.random(260) < 0.5, rng.random(260) < 0.7).astype(np.float64)
        found = mean_difference(hits, is_first, ~is_first, np.arange(260))
        n_covered += found.ci95[0] <= -0.2 <= found.ci95[1]
        low, high = found.adjusted_ci95(10)
        n_adjusted += low <= -0.2 <= high
    assert 180 <= n_covered <= 199
    assert n_adjusted >= 196


def test_a_difference_resamples_groups_and_ignores_other_faces() -> None:
    rng = np.random.default_rng(9)
    hits = (rng.random(60) < 0.6).astype(np.float64)
    is_first = np.arange(60) < 30
    alone = mean_difference(hits, is_first, ~is_first, np.arange(60))
    assert alone.value == pytest.approx(hits[:30].mean() - hits[30:].mean())
    # Each face four times is no new information.
    groups = np.repeat(np.arange(60), 4)
    four_times = np.repeat(is_first, 4)
    repeated = mean_difference(np.repeat(hits, 4), four_times, ~four_times, groups)
    assert repeated.ci95 == pytest.approx(alone.ci95)
    assert repeated.standard_error == pytest.approx(alone.standard_error)
    others = np.r_[hits, np.ones(40)]
    is_second = np.r_[~is_first, np.zeros(40, np.bool_)]
    is_first = np.r_[is_first, np.zeros(40, np.bool_)]
    assert mean_difference(others, is_first, is_second, np.arange(100)) == alone


def test_adjusted_intervals_follow_bonferroni_and_end_at_one() -> None:
    rng = np.random.default_rng(10)
    hits = (rng.random(100) < 0.6).astype(np.float64)
    is_first = np.arange(100) < 50
    found = mean_difference(hits, is_first, ~is_first, np.arange(100))
    for n, z in ((1, 1.959964), (10, 2.807034)):
        low, high = found.adjusted_ci95(n)
        assert (high - low) / 2 == pytest.approx(z * found.standard_error, rel=1e-5)
    assert found.adjusted_ci95(1) == pytest.approx(found.ci95, abs=0.03)
    wide = replace(found, standard_error=1.0)
    assert wide.adjusted_ci95(1) == (-1, 1)
