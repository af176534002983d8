import pytest

from emolens.media.pixel_shape import display_size


@pytest.mark.parametrize(
    ("size_wh", "ratio", "shown_wh"),
    [
        ((352, 576), 2.0, (704, 576)),
        ((704, 240), 1 / 2, (704, 480)),
        ((720, 576), 16 / 15, (768, 576)),
        ((720, 576), 64 / 45, (1024, 576)),
        ((720, 480), 8 / 9, (720, 540)),
        ((1440, 1080), 4 / 3, (1920, 1080)),
        ((97, 63), 3 / 2, (146, 63)),
        ((97, 63), 2 / 3, (97, 95)),
        ((1, 1), 5.0, (5, 1)),
    ],
)
def test_the_side_with_too_few_pixels_is_enlarged(
    size_wh: tuple[int, int], ratio: float, shown_wh: tuple[int, int]
) -> None:
    assert display_size(size_wh, ratio) == shown_wh


@pytest.mark.parametrize("ratio", [1.0, 4319 / 4320, 4320 / 4319, 0.992, 1.0095])
def test_pixels_that_look_square_stay_as_they_are(ratio: float) -> None:
    assert display_size((1920, 1080), ratio) == (1920, 1080)


@pytest.mark.parametrize("ratio", [0.0, -2.0, 1000.0, 1 / 1000, 5.1, float("inf"), float("nan")])
def test_what_cannot_be_a_ratio_changes_nothing(ratio: float) -> None:
    assert display_size((640, 480), ratio) == (640, 480)


@pytest.mark.parametrize(
    ("size_wh", "ratio"), [((8192, 8192), 2.0), ((8192, 4000), 4.0), ((1000, 9000), 0.2)]
)
def test_no_frame_gets_larger_than_a_recording_can_hold(
    size_wh: tuple[int, int], ratio: float
) -> None:
    width, height = display_size(size_wh, ratio)
    assert max(width, height) <= 16_384
    assert width * height <= 8192 * 8192 * 1.001
    assert width / height == pytest.approx(size_wh[0] * ratio / size_wh[1], rel=0.01)
