"""Drawn images with as much detail as a photograph, for tests that look for copies."""

import cv2
import numpy as np
import numpy.typing as npt

CANVAS_PX = 120
# Coarse clouds weigh more, as in photographs.
_WEIGHTS = {2.0: 0.6, 5.0: 0.8, 12.0: 1.0}


def drawn_photograph(seed: int) -> npt.NDArray[np.uint8]:
    """Clouds of several sizes, uint8 (120, 120): other numbers give quite other images."""
    random = np.random.default_rng(seed)
    clouds = np.zeros((CANVAS_PX, CANVAS_PX), np.float32)
    for scale_px, weight in _WEIGHTS.items():
        noise = random.normal(0, 1, clouds.shape).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), scale_px)
        clouds += weight * smooth / smooth.std()
    return np.asarray(np.clip(128 + 25 * clouds, 0, 255), np.uint8)


def cut_out(
    photograph: npt.NDArray[np.uint8], *, left: int = 12, top: int = 12, side: int = 96
) -> npt.NDArray[np.uint8]:
    """A square of it at 48 x 48 px."""
    square = photograph[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (48, 48), interpolation=cv2.INTER_AREA), np.uint8)


def drawn_face(seed: int) -> npt.NDArray[np.uint8]:
    """An image of 48 x 48 px that no other number gives a copy of."""
    return cut_out(drawn_photograph(seed))
