from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.evaluation.reliability import (
    ReliabilityBin,
    calibration_error,
    equal_mass_bins,
    equal_width_bins,
)


def test_error_of_known_bins() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    hits = np.array([True, False, True, True])
    bins = equal_width_bins(confidence, hits)
    assert [(one.n, one.accuracy) for one in bins] == [(2, 1.0), (2, 0.5)]
    assert [one.confidence for one in bins] == pytest.approx([0.55, 0.95])
    # Two bins of two faces: |0.95 - 0.5| and |0.55 - 1|, each with weight one half.
    assert calibration_error(bins) == pytest.approx(0.45)


def test_equal_mass_bins_of_a_known_case() -> None:
    # Thirty faces of thirty confidences: fifteen bins of two neighbours each.
    confidence = np.arange(30) / 30
    hits = np.arange(30) % 2 == 0
    bins = equal_mass_bins(confidence, hits)
    assert [one.n for one in bins] == [2] * 15
    assert [one.accuracy for one in bins] == [0.5] * 15
    assert bins[0].confidence == pytest.approx(1 / 60)


def test_faces_of_one_confidence_share_a_bin_whatever_their_order() -> None:
    confidence = np.full(40, 0.7)
    hits = np.arange(40) < 28
    (only,) = equal_mass_bins(confidence, hits)
    assert only.n == 40
    assert only.accuracy == pytest.approx(0.7)
    assert calibration_error([only]) == pytest.approx(0)


@pytest.mark.parametrize("bins", [equal_width_bins, equal_mass_bins])
def test_error_of_a_calibrated_classifier_is_small(
    bins: Callable[..., tuple[ReliabilityBin, ...]],
) -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(1 / 7, 1, 200_000)
    assert calibration_error(bins(confidence, rng.random(200_000) < confidence)) < 0.01


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
def test_bins_hold_every_face_once_and_forget_the_order(
    faces: list[tuple[float, bool]],
) -> None:
    confidence, hits = map(np.array, zip(*faces, strict=True))
    order = np.random.default_rng(len(faces)).permutation(len(faces))
    for bins in (equal_width_bins, equal_mass_bins):
        found = bins(confidence, hits)
        assert sum(one.n for one in found) == len(faces)
        assert len(found) <= 15
        error = calibration_error(found)
        assert 0 <= error <= 1
        assert calibration_error(bins(confidence[order], hits[order])) == pytest.approx(error)
