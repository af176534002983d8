import numpy as np
import pytest

from emolens.core.errors import ConfigError
from emolens.core.geometry import Box
from emolens.detection.candidates import (
    Candidates,
    check_score,
    concatenate,
    fuse_passes,
    overlaps,
    suppress_overlaps,
    to_detections,
)


def make(*rows: tuple[float, float, float, float, float]) -> Candidates:
    """Candidates from (x_min, y_min, x_max, y_max, score), landmarks all at the top left corner."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    landmarks = np.repeat(table[:, None, :2], 5, axis=1)
    return Candidates(table[:, :4], table[:, 4], landmarks)


def test_overlaps_by_hand() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 4, 4], [1, 1, 1, 1]], np.float32)
    np.testing.assert_allclose(overlaps(boxes[0], boxes), [1, 1 / 3, 0, 0], atol=1e-6)


def test_overlaps_of_empty_boxes_are_nothing() -> None:
    empty = np.zeros((1, 4), np.float32)
    np.testing.assert_array_equal(overlaps(empty[0], empty), [0])


def test_suppress_overlaps_keeps_the_best_of_each_heap() -> None:
    kept = suppress_overlaps(
        make((0, 0, 10, 10, 0.6), (1, 0, 11, 10, 0.9), (20, 0, 30, 10, 0.7)), max_iou=0.3
    )
    np.testing.assert_allclose(kept.scores, [0.9, 0.7])
    np.testing.assert_array_equal(kept.boxes, [[1, 0, 11, 10], [20, 0, 30, 10]])


def test_suppress_overlaps_keeps_boxes_that_only_touch() -> None:
    assert len(suppress_overlaps(make((0, 0, 10, 10, 0.6), (8, 0, 18, 10, 0.9)), max_iou=0.3)) == 2


def test_nothing_in_nothing_out() -> None:
    assert len(suppress_overlaps(make(), max_iou=0.3)) == 0
    assert len(fuse_passes([make(), make()], min_score=0.5)) == 0
    assert len(concatenate([])) == 0
    assert to_detections(make(), (10, 10)) == []


def test_fuse_passes_averages_cells_by_score_and_passes_equally() -> None:
    first = make((0, 0, 10, 10, 0.6), (2, 0, 12, 10, 0.2), (50, 50, 60, 60, 0.4))
    second = make((1, 0, 13, 10, 0.4))
    fused = fuse_passes([first, second], min_score=0.5)
    # First look: 0.75 * 0 + 0.25 * 2 = 0.5; the mean with the second look's 1 is 0.75.
    np.testing.assert_allclose(fused.boxes, [[0.75, 0, 11.75, 10]], atol=1e-5)
    np.testing.assert_allclose(fused.landmarks[0], [[0.75, 0]] * 5, atol=1e-5)
    np.testing.assert_allclose(fused.scores, [0.6])


def test_fuse_passes_leaves_out_a_pass_that_hardly_detects_the_face() -> None:
    fused = fuse_passes([make((0, 0, 10, 10, 0.9)), make((2, 0, 12, 10, 0.29))], min_score=0.5)
    np.testing.assert_allclose(fused.boxes, [[0, 0, 10, 10]], atol=1e-5)


def test_fuse_passes_keeps_a_face_that_one_pass_alone_detects() -> None:
    assert len(fuse_passes([make(), make((0, 0, 10, 10, 0.9))], min_score=0.5)) == 1


def test_fuse_passes_with_a_very_low_threshold_keeps_the_best_cell() -> None:
    fused = fuse_passes([make((0, 0, 10, 10, 0.2)), make()], min_score=0.15)
    np.testing.assert_array_equal(fused.boxes, [[0, 0, 10, 10]])


def test_to_detections_clips_sorts_and_drops_what_is_outside() -> None:
    found = to_detections(
        make(
            (-5, -5, 5, 5, 0.9),
            (0, 0, 20, 20, 0.6),
            (30, 0, 40, 10, 0.8),
            (0, 0, np.nan, 10, 0.8),
            (5, 5, 3, 9, 0.8),
        ),
        (30, 25),
    )
    assert [face.box for face in found] == [Box(0, 0, 20, 20), Box(0, 0, 5, 5)]
    landmarks = found[1].landmarks
    assert landmarks is not None
    np.testing.assert_array_equal(landmarks, [[-5, -5]] * 5)


def test_to_detections_keeps_scores_within_0_and_1() -> None:
    assert to_detections(make((0, 0, 5, 5, 1.0000001)), (9, 9))[0].score == 1.0


@pytest.mark.parametrize("min_score", [0.0, 1.0, -0.1, float("nan")])
def test_check_score_refuses(min_score: float) -> None:
    with pytest.raises(ConfigError, match="min_score is .*; allowed: above 0 and below 1"):
        check_score(min_score)
