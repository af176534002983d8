import cv2
import numpy as np
import pytest

from emolens.testing import drawn_place
from emolens.tracking.views import Pixels, has_details, lost_share, shrink


def moved(image: Pixels, x: float, y: float, scale: float = 1.0) -> Pixels:
    matrix = np.array([[scale, 0, x], [0, scale, y]], float)
    size = image.shape[1], image.shape[0]
    return np.asarray(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REFLECT), np.uint8)


@pytest.mark.parametrize(
    ("size_wh", "small_wh"),
    [
        ((640, 360), (64, 36)),
        ((3840, 2160), (64, 36)),
        ((360, 640), (36, 64)),
        ((64, 64), (64, 64)),
        ((1, 1), (64, 64)),
        ((1000, 3), (64, 16)),
    ],
)
def test_any_frame_becomes_a_small_image(
    size_wh: tuple[int, int], small_wh: tuple[int, int]
) -> None:
    image = np.full((size_wh[1], size_wh[0], 3), (10, 90, 200), np.uint8)
    small = shrink(image)
    assert small.shape == (small_wh[1], small_wh[0], 3)
    assert (small == (10, 90, 200)).all()
    assert not has_details(small)


def test_details_are_what_stands_out_from_noise() -> None:
    rng = np.random.default_rng(0)
    noise = np.clip(rng.normal(20, 8, (360, 640, 3)), 0, 255).astype(np.uint8)
    assert not has_details(shrink(noise))
    noise[100:200, 300:400] = 90
    assert has_details(shrink(noise))


@pytest.mark.parametrize("seed", range(5))
def test_another_place_has_lost_the_details(seed: int) -> None:
    one, other = (shrink(drawn_place(seed + add)) for add in (0, 100))
    assert lost_share(one, other) > 0.5
    assert lost_share(one, one) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda image: moved(image, 80, 0),
        lambda image: moved(image, -60, 40),
        lambda image: moved(image, -20, -10, 1.06),
        lambda image: cv2.convertScaleAbs(image, alpha=0.4),
        lambda image: cv2.convertScaleAbs(image, alpha=0.7, beta=60),
        lambda image: np.where(np.indices(image.shape)[1] < 200, 30, image),
    ],
    ids=["pan", "tilt", "zoom", "darker", "hazy", "covered"],
)
def test_motion_and_light_keep_most_details(change: object) -> None:
    image = drawn_place(3)
    changed = np.asarray(change(image), np.uint8)  # type: ignore[operator]
    assert lost_share(shrink(image), shrink(changed)) < 0.3


def test_what_has_no_details_loses_none() -> None:
    plain = np.full((36, 64, 3), 120, np.uint8)
    assert lost_share(plain, shrink(drawn_place(1))) == 0
    assert lost_share(shrink(drawn_place(1)), plain) == 1
