import cv2
import numpy as np
import pytest

from emolens.datasets.reframing import Reframing, mirrored
from emolens.datasets.same_photograph import (
    aligned_correlation,
    detail_correlation,
    is_same_photograph,
    thumbnail_of,
)
from tests.drawings import cut_out, drawn_face, drawn_photograph

IDENTITY = np.eye(2, 3, dtype=np.float32)


@pytest.mark.parametrize(("left", "side"), [(12, 96), (15, 96), (8, 92), (12, 104)])
def test_another_square_of_the_photograph_is_the_same_photograph(left: int, side: int) -> None:
    photograph = drawn_photograph(0)
    first, second = cut_out(photograph), cut_out(photograph, left=left, side=side)
    assert is_same_photograph(first, second, Reframing())
    assert is_same_photograph(second, first, Reframing())
    assert aligned_correlation(first, second, Reframing()) > 0.98


def test_a_mirrored_one_is_found_where_it_is_looked_for() -> None:
    first, second = drawn_face(0), mirrored(drawn_face(0))
    assert is_same_photograph(first, second, Reframing(is_mirrored=True))
    assert not is_same_photograph(first, second, Reframing())


def test_a_mark_across_it_makes_it_no_other_photograph() -> None:
    face = drawn_face(0)
    written = face.copy()
    cv2.putText(written, "mark", (8, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 220)
    marked = cv2.addWeighted(face, 0.8, written, 0.2, 0)
    assert (marked != face).mean() > 0.03
    assert is_same_photograph(face, np.asarray(marked, np.uint8), Reframing())


def test_another_detail_makes_it_another_photograph() -> None:
    """A mouth that opens: all the rest of the image is the same."""
    first, second = drawn_face(0), drawn_face(0)
    cv2.ellipse(second, (24, 36), (9, 6), 0, 0, 360, 20, -1)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.7
    assert not is_same_photograph(first, second, Reframing())


def test_flat_images_tell_nothing() -> None:
    flat = np.full((48, 48), 90, np.uint8)
    assert aligned_correlation(flat, flat, Reframing()) == 0
    assert not is_same_photograph(flat, drawn_face(0), Reframing())


def test_a_thumbnail_is_the_mean_of_its_pixels() -> None:
    image = drawn_face(0)
    means = image.reshape(24, 2, 24, 2).mean(axis=(1, 3))
    assert np.abs(thumbnail_of(image) - means).max() <= 0.5


def test_detail_correlates_where_it_is_the_same() -> None:
    first, second = drawn_face(0), drawn_face(1)
    assert detail_correlation(first, first, IDENTITY) == pytest.approx(1)
    assert detail_correlation(first, 255 - first, IDENTITY) == pytest.approx(-1)
    assert abs(detail_correlation(first, second, IDENTITY)) < 0.5


@pytest.mark.parametrize(
    "warp",
    [
        pytest.param([[1, 0, 40], [0, 1, 0]], id="little overlap"),
        pytest.param([[0.5, 0, 12], [0, 0.5, 12]], id="far too close"),
        pytest.param([[2, 0, -24], [0, 2, -24]], id="far too far"),
        pytest.param([[0, 0, 24], [0, 0, 24]], id="a single point"),
    ],
)
def test_where_nothing_can_be_told_the_correlation_is_0(warp: list[list[float]]) -> None:
    face = drawn_face(0)
    assert detail_correlation(face, face, np.array(warp, np.float32)) == 0
