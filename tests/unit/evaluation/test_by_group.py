import json

import numpy as np
import pytest

from emolens.core.emotion import LABELS
from emolens.datasets.faces import DetectedFace
from emolens.datasets.group_labels import NO_GROUP
from emolens.evaluation.by_group import MIN_COMPARED, MIN_ECE, ByGroup, metrics_by_group
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions


def predictions(hits: list[bool], labels: list[int] | None = None) -> Predictions:
    """Predictions that are the label, or the class after it."""
    truth = np.array(labels or [row % 7 for row in range(len(hits))], np.int64)
    named = np.where(hits, truth, (truth + 1) % 7)
    return Predictions(np.eye(7)[named] * 0.65 + 0.05, truth)


def by_group(
    sizes: dict[str, tuple[int, int]],
    labels: list[int] | None = None,
    duplicates: list[int] | None = None,
) -> ByGroup:
    """Groups by name with their number of faces and how many of these are correct."""
    names = [name for name, (n, _) in sizes.items() for _ in range(n)]
    hits = [row < n_right for n, n_right in sizes.values() for row in range(n)]
    of_faces = np.arange(len(names)) if duplicates is None else np.array(duplicates)
    rows = np.arange(len(names))
    return metrics_by_group("age", names, predictions(hits, labels), rows, duplicates=of_faces)


def test_groups_have_their_own_metrics_largest_first_and_no_group_last() -> None:
    found = by_group({"b": (40, 30), NO_GROUP: (300, 100), "a": (60, 15), "c": (40, 10)})
    assert [group.name for group in found.groups] == ["a", "b", "c", NO_GROUP]
    assert [group.n_images for group in found.groups] == [60, 40, 40, 300]
    accuracies = [group.metrics.accuracy for group in found.groups if group.metrics]
    assert accuracies == [15 / 60, 30 / 40, 10 / 40, 100 / 300]
    assert found.reference == "a"
    hits = [True] * 30 + [False] * 10
    own = compute_metrics(predictions(hits, [row % 7 for row in range(40)]), np.arange(40))
    assert found.groups[1].metrics is not None
    assert found.groups[1].metrics.accuracy_ci95 == own.accuracy_ci95
    assert found.groups[1].metrics.macro_f1 == pytest.approx(own.macro_f1)


def test_differences_are_those_to_the_largest_group() -> None:
    found = by_group({"a": (200, 150), "b": (100, 50), NO_GROUP: (50, 40)})
    accuracy = {one.group: one for one in found.differences if one.measure == "accuracy"}
    assert set(accuracy) == {"b", NO_GROUP}
    assert accuracy["b"].difference == pytest.approx(-0.25)
    assert (accuracy["b"].n, accuracy["b"].n_reference) == (100, 200)
    low, high = accuracy["b"].ci95
    # The normal approximation: 1.96 * sqrt(0.25 / 100 + 0.1875 / 200) = 0.115.
    assert (low, high) == pytest.approx((-0.365, -0.135), abs=0.015)
    assert accuracy["b"].adjusted_ci95[0] < low
    assert accuracy["b"].adjusted_ci95[1] > high
    assert any("2 differences are shown" in note for note in found.notes)
    assert any("0.1 of their" in note for note in found.notes)


def test_classes_are_compared_where_both_sides_have_enough() -> None:
    labels = ([3] * 40 + [4] * 20) * 2
    hits = ([True] * 30 + [False] * 10 + [True] * 10 + [False] * 10) * 2
    rows = np.arange(120)
    found = metrics_by_group(
        "age", ["a"] * 60 + ["b"] * 60, predictions(hits, labels), rows, duplicates=np.arange(120)
    )
    assert [one.measure for one in found.differences] == ["accuracy", "recall of happy"]
    assert [(one.n, one.difference) for one in found.differences] == [(60, 0.0), (40, 0.0)]


def test_a_group_of_one_face_has_an_honest_interval_and_no_comparison() -> None:
    found = by_group({"a": (100, 60), "b": (1, 1)})
    single = found.groups[1]
    assert single.metrics is not None
    assert single.metrics.accuracy == 1
    low, high = single.metrics.accuracy_ci95
    assert low < 0.25
    assert high == pytest.approx(1)
    assert found.differences == ()
    assert any("too small for a comparison: b (1)" in note for note in found.notes)


@pytest.mark.parametrize(
    ("n", "n_right", "is_compared"),
    [
        (MIN_COMPARED, 15, True),
        (MIN_COMPARED - 1, 15, False),
        (MIN_COMPARED, MIN_COMPARED - 5, True),
        (MIN_COMPARED, MIN_COMPARED - 4, False),
        (MIN_COMPARED, 5, True),
        (MIN_COMPARED, 4, False),
        (MIN_COMPARED, MIN_COMPARED, False),
        (MIN_COMPARED, 0, False),
    ],
)
def test_a_comparison_needs_enough_faces_of_both_kinds(
    n: int, n_right: int, is_compared: bool
) -> None:
    found = by_group({"a": (100, 60), "b": (n, n_right)})
    assert ("b" in {one.group for one in found.differences}) == is_compared


def test_near_duplicates_count_once_and_widen_intervals() -> None:
    sizes = {"a": (200, 120), "b": (100, 60)}
    alone = by_group(sizes)
    pairs = by_group(sizes, duplicates=[row // 2 for row in range(300)])
    (low, high), (wide_low, wide_high) = (
        next(one.ci95 for one in found.differences if one.measure == "accuracy")
        for found in (alone, pairs)
    )
    assert wide_high - wide_low > 1.2 * (high - low)
    assert [group.n_independent for group in pairs.groups] == [100, 50]
    half = by_group({"a": (200, 120), "b": (40, 20)}, duplicates=[row // 2 for row in range(240)])
    assert half.differences == ()
    same = by_group(sizes, duplicates=[min(row, 210) for row in range(300)])
    assert same.groups[1].n_independent == 11
    assert same.differences == ()


def test_groups_that_share_near_duplicates_are_resampled_together() -> None:
    """The same photographs in both groups: their difference is certain."""
    names, hits = ["a"] * 50 + ["b"] * 50, ([True] * 30 + [False] * 20) * 2
    duplicates = np.arange(100) % 50
    found = metrics_by_group("age", names, predictions(hits), np.arange(100), duplicates=duplicates)
    assert found.differences[0].ci95 == (0.0, 0.0)


def test_a_group_of_one_class_says_which_classes_it_lacks() -> None:
    labels = [row % 7 for row in range(70)] + [3] * 40
    found = by_group({"a": (70, 35), "b": (40, 20)}, labels)
    assert found.groups[1].missing_classes == tuple(one for one in LABELS if one != "happy")
    assert found.groups[0].missing_classes == ()
    assert found.groups[1].metrics is not None
    assert found.groups[1].metrics.balanced_accuracy == 0.5
    assert any("b (angry, disgust" in note for note in found.notes)


def test_calibration_needs_many_faces() -> None:
    found = by_group({"a": (MIN_ECE, 300), "b": (MIN_ECE - 1, 300)})
    assert found.groups[0].ece is not None
    assert found.groups[1].ece is None
    assert any(f"at least {MIN_ECE} faces" in note for note in found.notes)
    records = found.to_dict()["groups"]
    assert isinstance(records, list)
    assert records[1]["ece"] is None
    assert records[1]["ece_equal_mass"] is None


def test_one_group_is_compared_with_nothing() -> None:
    found = by_group({NO_GROUP: (50, 20)})
    assert found.differences == ()
    assert not any("differences are shown" in note for note in found.notes)


def test_images_without_a_face_or_label_count_in_their_group() -> None:
    names = ["a"] * 100 + ["b"] * 100 + ["c"] * 3
    face, nothing = DetectedFace(1), DetectedFace(0)
    detected = [face] * 90 + [nothing] * 10 + [face] * 60 + [nothing] * 40 + [nothing] * 3
    rows = np.flatnonzero([one.n_faces for one in detected])
    hits = [row % 2 == 0 for row in range(len(rows))]
    found = metrics_by_group(
        "age", names, predictions(hits), rows, duplicates=np.arange(203), detected=detected
    )
    first, second, third = found.groups
    assert first.detection is not None
    assert (first.n_images, first.detection.n_no_face) == (100, 10)
    assert first.detection.all_images.accuracy == 0.45
    assert second.metrics is not None
    assert second.metrics.n == 60
    assert third.metrics is None
    assert third.detection is not None
    assert third.detection.n_no_face == 3
    labelled = next(one for one in found.differences if one.measure == "images with a label")
    assert labelled.difference == pytest.approx(-0.3)
    assert (labelled.n, labelled.n_reference) == (100, 100)
    json.dumps(found.to_dict())


def test_results_repeat() -> None:
    sizes = {"a": (100, 60), "b": (50, 20)}
    assert by_group(sizes).to_dict() == by_group(sizes).to_dict()
