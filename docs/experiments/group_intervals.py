"""Simulate intervals and calibration errors of small groups (docs/group-error-rates.md).

No data set is needed. Run from the root of the repository:

    python docs/experiments/group_intervals.py
"""

import argparse
import math

import numpy as np
from scipy import stats

from emolens.evaluation.by_group import MIN_OF_KIND
from emolens.evaluation.reliability import calibration_error, equal_width_bins
from emolens.evaluation.resampling import mean_difference

N_REFERENCE = 600
SIZES = (30, 50, 100, 200)
ACCURACIES = (0.6, 0.8, 0.9, 0.95)
CALIBRATION_SIZES = (100, 200, 500, 1000, 2000, 5000)
HALF_WIDTHS = (0.1, 0.05, 0.03, 0.02)


def coverage(n: int, accuracy: float, n_runs: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the coverage of a difference of 0, over all runs and over those that are shown."""
    is_group = np.arange(n + N_REFERENCE) < n
    is_covered, is_shown = [], []
    for _ in range(n_runs):
        hits = (rng.random(len(is_group)) < accuracy).astype(np.float64)
        low, high = mean_difference(hits, is_group, ~is_group, np.arange(len(hits))).ci95
        is_covered.append(low <= 0 <= high)
        is_shown.append(MIN_OF_KIND <= hits[is_group].sum() <= n - MIN_OF_KIND)
    covered, shown = np.array(is_covered), np.array(is_shown)
    return float(covered.mean()), float(covered[shown].mean()) if shown.any() else math.nan


def noise_of_calibration(n: int, n_runs: int, rng: np.random.Generator) -> float:
    """Return the mean calibration error of n faces whose probabilities are correct."""
    errors = []
    for _ in range(n_runs):
        confidence = rng.uniform(0.3, 1, n)
        errors.append(calibration_error(equal_width_bins(confidence, rng.random(n) < confidence)))
    return float(np.mean(errors))


def faces_needed(accuracy: float, half_width: float) -> int:
    """Return the faces per group for an interval of the difference of two groups of equal size."""
    z = float(stats.norm.ppf(0.975))
    return math.ceil(2 * accuracy * (1 - accuracy) * (z / half_width) ** 2)


def main() -> None:
    """Print three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    print("| faces | accuracy | coverage | coverage with 5 correct and 5 wrong |")
    for n in SIZES:
        for accuracy in ACCURACIES:
            every, shown = coverage(n, accuracy, options.runs, rng)
            print(f"| {n} | {accuracy:.0%} | {every:.1%} | {shown:.1%} |")
    print("\n| faces | calibration error by chance |")
    for n in CALIBRATION_SIZES:
        print(f"| {n:,} | {noise_of_calibration(n, options.runs, rng):.3f} |")
    print("\n| accuracy | " + " | ".join(f"±{one:.0%}" for one in HALF_WIDTHS) + " |")
    for accuracy in (0.6, 0.7, 0.8, 0.9):
        needed = " | ".join(f"{faces_needed(accuracy, one):,}" for one in HALF_WIDTHS)
        print(f"| {accuracy:.0%} | {needed} |")


if __name__ == "__main__":
    main()
