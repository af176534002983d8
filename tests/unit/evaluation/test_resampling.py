import numpy as np
import pytest

from emolens.evaluation.resampling import mean_interval, share_interval

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
