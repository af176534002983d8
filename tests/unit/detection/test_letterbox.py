import cv2
import numpy as np
import pytest

from emolens.core.errors import ConfigError
from emolens.detection.letterbox import (
    choose_size,
    input_sizes,
    letterbox,
    network_input,
    smaller_size,
)


def test_input_sizes_have_the_common_shapes_and_about_one_area() -> None:
    sizes = input_sizes(640)
    assert sizes == ((736, 416), (640, 480), (544, 544), (480, 640), (416, 736))


@pytest.mark.parametrize("long_side_px", [128, 320, 1280, 4096])
def test_input_sizes_are_multiples_of_32(long_side_px: int) -> None:
    assert all(side % 32 == 0 and side > 0 for size in input_sizes(long_side_px) for side in size)


@pytest.mark.parametrize("long_side_px", [0, -640, 127, 4097])
def test_input_sizes_refuse_what_is_out_of_range(long_side_px: int) -> None:
    with pytest.raises(ConfigError, match=f"long_side_px is {long_side_px}; allowed: 128 to 4096"):
        input_sizes(long_side_px)


@pytest.mark.parametrize(
    ("image_wh", "expected"),
    [
        ((640, 480), (640, 480)),
        ((1920, 1080), (736, 416)),
        ((1080, 1920), (416, 736)),
        ((512, 512), (544, 544)),
        ((5000, 2), (736, 416)),
        ((1, 1), (544, 544)),
    ],
)
def test_choose_size_takes_the_one_that_shows_most(
    image_wh: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert choose_size(image_wh, input_sizes(640)) == expected


def test_smaller_size_rounds_up_to_multiples_of_32() -> None:
    assert smaller_size((640, 480), 3) == (224, 160)
    assert smaller_size((96, 32), 3) == (32, 32)


def test_letterbox_keeps_the_shape_and_centres() -> None:
    image = np.full((100, 200, 3), 255, np.uint8)
    boxed = letterbox(image, (128, 128))
    assert boxed.image.shape == (128, 128, 3)
    assert boxed.scale_xy == (0.64, 0.64)
    assert boxed.offset_xy == (0, 32)
    assert (boxed.image[32:96] == 255).all()
    assert (boxed.image[:32] == 127).all()
    assert (boxed.image[96:] == 127).all()


def test_letterbox_enlarges_twice_at_most() -> None:
    boxed = letterbox(np.zeros((10, 20, 3), np.uint8), (128, 96))
    assert boxed.scale_xy == (2.0, 2.0)
    assert boxed.offset_xy == (44, 38)


def test_letterbox_never_loses_an_image_thinner_than_a_pixel() -> None:
    boxed = letterbox(np.zeros((2, 5000, 3), np.uint8), (128, 96))
    assert boxed.offset_xy == (0, 47)
    assert boxed.scale_xy == (128 / 5000, 0.5)


def test_to_image_undoes_scale_and_offset() -> None:
    boxed = letterbox(np.zeros((100, 200, 3), np.uint8), (128, 128))
    corners = np.array([[0, 32], [128, 96], [64, 64]], np.float32)
    expected = np.array([[0, 0], [200, 100], [100, 50]], np.float32)
    np.testing.assert_allclose(boxed.to_image(corners), expected, atol=1e-4)


@pytest.mark.parametrize("is_rgb", [False, True])
def test_a_network_reads_what_opencv_would_give_it(is_rgb: bool, rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (32, 64, 3)).astype(np.uint8)
    values = network_input(image, is_rgb=is_rgb)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, cv2.dnn.blobFromImage(image, swapRB=is_rgb))
