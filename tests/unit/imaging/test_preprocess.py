import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import InputError
from emolens.core.manifest import InputSpec
from emolens.imaging.preprocess import GRAY_MEAN, GRAY_STD, preprocess, to_gray
from tests.unit.imaging.images import draw

SPEC = InputSpec(size_px=48, mean=GRAY_MEAN, std=GRAY_STD)


def test_grey_uses_opencvs_weights_and_keeps_grey() -> None:
    image = draw()
    assert (to_gray(image) == cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)).all()
    assert to_gray(image[..., ::-1]).shape == (40, 56)
    gray = to_gray(image)
    assert to_gray(gray) is gray
    assert to_gray(np.array([[[255, 0, 0]]], np.uint8))[0, 0] == 29


def test_values_are_scaled_and_normalised() -> None:
    gray = to_gray(draw(48, 48))
    batch = preprocess([gray], SPEC)
    expected = (gray / 255 - GRAY_MEAN) / GRAY_STD
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch[0, 0], expected, atol=1e-6)


def test_crops_of_any_size_become_one_batch() -> None:
    crops = [draw(48, 48), draw(100, 100), to_gray(draw(20, 20)), draw(30, 50), draw(1, 1)]
    batch = preprocess(crops, SPEC)
    assert batch.shape == (5, 1, 48, 48)
    assert batch.flags.c_contiguous
    for alone, together in zip(crops, batch, strict=True):
        assert (preprocess([alone], SPEC)[0] == together).all()


def test_no_crops_are_an_empty_batch() -> None:
    batch = preprocess([], SPEC)
    assert batch.shape == (0, 1, 48, 48)
    assert batch.dtype == np.float32


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_other_crops_are_refused(crop: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match=r"face crop is .*allowed: a non-empty uint8 array"):
        to_gray(crop)
    with pytest.raises(InputError, match="face crop"):
        preprocess([crop], SPEC)
