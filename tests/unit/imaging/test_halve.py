import numpy as np
import pytest

from emolens.imaging.halve import halve


def test_each_pixel_is_the_mean_of_four() -> None:
    image = np.array([[0, 4, 10, 10], [8, 12, 10, 10]], np.uint8)
    assert halve(image, 1).tolist() == [[6, 10]]
    assert halve(image, 0) is image


@pytest.mark.parametrize(
    ("shape", "n_times", "expected"),
    [
        ((480, 640, 3), 2, (120, 160, 3)),
        ((7, 9), 1, (3, 4)),
        ((1, 8), 2, (1, 2)),
        ((5, 1, 3), 4, (1, 1, 3)),
    ],
)
def test_sides_are_halved_down_to_one(
    shape: tuple[int, ...], n_times: int, expected: tuple[int, ...]
) -> None:
    small = halve(np.full(shape, 99, np.uint8), n_times)
    assert small.shape == expected
    assert (small == 99).all()
