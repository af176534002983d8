import time
import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.imaging.crop import crop_square, middle_square, part_around, resize_gray_square
from emolens.imaging.turn import crop_turned
from tests.unit.imaging.images import draw

NOISE = np.random.default_rng(3).integers(0, 256, (70, 100), np.uint8)


def difference(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def test_the_whole_image_at_its_own_size_is_the_same_image() -> None:
    image = draw(48, 48)
    assert (crop_square(image, Box(0, 0, 48, 48), 48) == image).all()
    assert (crop_square(image[..., 0], Box(0, 0, 48, 48), 48) == image[..., 0]).all()


@pytest.mark.parametrize("side", [96, 144, 240, 100, 71])
def test_shrinking_is_area_averaging(side: int) -> None:
    image = draw(side, side)
    expected = cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA)
    assert difference(crop_square(image, Box(0, 0, side, side), 48), expected) <= 1


@pytest.mark.parametrize("side", [47, 30, 12, 5, 1])
def test_growing_is_linear_interpolation(side: int) -> None:
    image = draw(side, side)
    expected = cv2.resize(image, (48, 48), interpolation=cv2.INTER_LINEAR)
    assert difference(crop_square(image, Box(0, 0, side, side), 48), expected) <= 1


@pytest.mark.parametrize(("side", "scale"), [(20, 1), (40, 2), (10, 0.5)])
def test_moving_the_square_moves_the_result(side: int, scale: float) -> None:
    image = draw(80, 90)
    step = 2 if scale > 1 else 1
    here = crop_square(image, Box.from_center((40, 40), side), 20)
    there = crop_square(image, Box.from_center((40 + step, 40), side), 20)
    moved = round(step / scale)
    assert (here[:, moved:] == there[:, :-moved]).all()


def test_half_a_pixel_counts() -> None:
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.uint8), (20, 1))
    cut = crop_square(ramp, Box(4.5, 4.5, 14.5, 14.5), 10)
    assert cut[0].tolist() == list(range(45, 145, 10))
    cut = crop_square(ramp, Box(4.25, 4, 14.25, 14), 5)
    assert difference(cut[0], np.arange(5) * 20 + 47) <= 1


def test_outside_the_border_repeats_itself() -> None:
    image = draw(20, 20)
    padded = cv2.copyMakeBorder(image, 6, 6, 6, 6, cv2.BORDER_REPLICATE)
    assert (crop_square(image, Box(-6, -6, 26, 26), 32) == padded).all()
    assert (crop_square(image, Box(100, -50, 110, -40), 8) == image[0, -1]).all()
    assert (crop_square(image, Box(-70, 90, -50, 110), 8) == image[-1, 0]).all()


@pytest.mark.parametrize("side", [1e6, 1e12])
def test_a_giant_square_costs_nothing(side: float) -> None:
    image = draw(200, 300)
    started = time.perf_counter()
    tracemalloc.start()
    cut = crop_square(image, Box.from_center((150, 100), side), 49)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cut.shape == (49, 49, 3)
    assert (cut[0, 0] == image[0, 0]).all()
    assert (cut[-1, -1] == image[-1, -1]).all()
    assert peak < 20_000_000
    assert time.perf_counter() - started < 2


@settings(max_examples=100, deadline=None)
@given(
    center=st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)),
    side=st.floats(1e-3, 1e5),
    size_px=st.integers(1, 64),
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
def test_any_square_of_a_flat_image_is_flat(
    center: tuple[float, float], side: float, size_px: int, shape: tuple[int, int]
) -> None:
    cut = crop_square(np.full((*shape, 3), 77, np.uint8), Box.from_center(center, side), size_px)
    assert cut.shape == (size_px, size_px, 3)
    assert cut.flags.c_contiguous
    assert (cut == 77).all()


def test_wrong_arguments_are_refused() -> None:
    drawn = draw()
    with pytest.raises(InputError, match="equal sides"):
        crop_square(drawn, Box(0, 0, 10, 20), 8)
    with pytest.raises(InputError, match="equal sides"):
        crop_square(drawn, Box(5, 5, 5, 5), 8)
    with pytest.raises(InputError, match="size_px is 0; allowed: 1 or more"):
        crop_square(drawn, Box(0, 0, 10, 10), 0)
    for image in (drawn.astype(np.float32), drawn[:0], drawn[..., :2], drawn[0, 0]):
        with pytest.raises(InputError, match="uint8 array"):
            crop_square(image, Box(0, 0, 10, 10), 8)  # type: ignore[arg-type]


def test_a_grey_square_of_the_right_size_is_not_touched() -> None:
    gray = np.ascontiguousarray(draw(48, 48)[..., 0])
    assert resize_gray_square(gray, 48) is gray
    assert resize_gray_square(gray, 24).shape == (24, 24)


@pytest.mark.parametrize("shape", [(40, 20), (20, 40), (41, 20), (1, 30)])
def test_other_shapes_keep_their_proportions(shape: tuple[int, int]) -> None:
    gray = np.ascontiguousarray(draw(*shape)[..., 0])
    side = max(shape)
    across, down = side - shape[1], side - shape[0]
    resized = resize_gray_square(gray, side)
    if across % 2 == 0 and down % 2 == 0:
        borders = (down // 2, down // 2, across // 2, across // 2)
        padded = cv2.copyMakeBorder(gray, *borders, cv2.BORDER_REPLICATE)
        assert (resized == padded).all()
    assert resized.shape == (side, side)


def test_a_very_long_strip_costs_nothing() -> None:
    assert resize_gray_square(np.zeros((1, 1_000_000), np.uint8), 48).shape == (48, 48)


def test_colours_are_no_grey_image() -> None:
    with pytest.raises(InputError, match="grey image"):
        resize_gray_square(draw(), 48)


@pytest.mark.parametrize(
    ("shape", "part", "corner", "side"),
    [
        ((100, 100), 0.5, (25, 25), 50),
        ((40, 100), 1.0, (0, 30), 40),  # parts of the shorter side
        ((101, 40), 0.5, (40, 10), 20),
        ((7, 7), 0.5, (1, 1), 4),  # 3.5 px become 4
        ((1, 9), 0.1, (0, 4), 1),  # one pixel at least
    ],
)
def test_the_middle_is_cut_out_without_resampling(
    shape: tuple[int, int], part: float, corner: tuple[int, int], side: int
) -> None:
    drawn = draw(*shape)
    top, left = corner
    for image in (drawn, drawn[..., 0]):
        middle = middle_square(image, part)
        assert middle.shape == (side, side, *image.shape[2:])
        assert (middle == image[top : top + side, left : left + side]).all()
        assert np.shares_memory(middle, image)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 1, exclude_min=True))
def test_the_middle_is_a_square_in_the_middle(height: int, width: int, part: float) -> None:
    rows, columns = np.indices((height, width))
    image = (rows * 4).astype(np.uint8)
    middle = middle_square(image, part)
    side = len(middle)
    assert middle.shape == (side, side)
    assert 1 <= side <= min(height, width)
    assert abs(side - part * min(height, width)) <= 1
    top, left = (
        int(middle[0, 0]) // 4,
        int(middle_square((columns * 4).astype(np.uint8), part)[0, 0]) // 4,
    )
    assert 0 <= height - side - 2 * top <= 1
    assert 0 <= width - side - 2 * left <= 1


@pytest.mark.parametrize("part", [0.0, -0.5, 1.01, float("nan")])
def test_a_part_outside_its_range_is_refused(part: float) -> None:
    with pytest.raises(InputError, match="allowed: above 0 and at most 1"):
        middle_square(draw(), part)


@settings(max_examples=300, deadline=None)
@given(
    st.floats(-60, 160), st.floats(-60, 130), st.floats(0.5, 200), st.sampled_from([0, 20, 45, 170])
)
def test_a_crop_depends_on_the_part_around_its_square_alone(
    x: float, y: float, side: float, turn: float
) -> None:
    square = Box(x, y, x + side, y + side)
    part, inside = part_around(NOISE, square, is_turned=turn != 0)
    whole, same = (
        crop_turned(image, at, 24, roll_degrees=turn)
        for image, at in ((NOISE, square), (part, inside))
    )
    if turn:  # the centre's last decimal may differ
        assert difference(whole, same) <= 1
    else:
        np.testing.assert_array_equal(whole, same)


def test_the_part_around_a_square_is_no_larger_than_it_must_be() -> None:
    part, inside = part_around(NOISE, Box(40.5, 30.5, 60.5, 50.5))
    assert part.shape[:2] == (23, 23)
    assert inside == Box(1.5, 1.5, 21.5, 21.5)
    assert part_around(NOISE, Box(500, 500, 520, 520))[0].size > 0
