"""Pixelation of faces for anonymous recordings."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.frame import FrameResult
from emolens.core.geometry import Box

# Hair, ears and chin lie outside a detector's box.
_MARGIN: Final = 0.35
# Blocks across the blurred square; a face covers about half of them. Many small blocks are unsafe:
# networks trained on them still recognise people (McPherson et al. 2016, "Defeating Image
# Obfuscation with Deep Learning").
_BLOCKS: Final = 4
# A detector may miss a face for a moment, which would expose it. The last known region therefore
# stays blurred for this time. It grows with the time since the detection and with the speed.
_HOLD_S: Final = 1.0
_GROWTH_PER_S: Final = 0.5
# The time constant of the speed estimate: boxes jitter from frame to frame.
_SPEED_TAU_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class _LastBox:
    """The last box of a face, with its speed in box sides per second."""

    box: Box
    at_s: float
    speed_per_s: float = 0.0

    def moved_to(self, box: Box, at_s: float) -> "_LastBox":
        elapsed_s = at_s - self.at_s
        if elapsed_s <= 0:
            return _LastBox(box, at_s, self.speed_per_s)
        (x, y), (last_x, last_y) = box.center_xy, self.box.center_xy
        speed = math.hypot(x - last_x, y - last_y) / _side(box) / elapsed_s
        weight = -math.expm1(-elapsed_s / _SPEED_TAU_S)
        return _LastBox(box, at_s, self.speed_per_s + weight * (speed - self.speed_per_s))

    def region(self, now_s: float) -> Box:
        """Return the region that may contain the face at `now_s` seconds."""
        growth = (_GROWTH_PER_S + self.speed_per_s) * (now_s - self.at_s)
        reach = (_MARGIN + growth) * _side(self.box)
        x_min, y_min, x_max, y_max = self.box.to_tuple()
        return Box(x_min - reach, y_min - reach, x_max + reach, y_max + reach)


class FaceBlur:
    """A layer that blurs the faces of one stream, and their last regions for one second.

    A face that was never detected is not blurred.
    """

    def __init__(self) -> None:
        self._last: dict[int, _LastBox] = {}

    def apply(self, image: npt.NDArray[np.uint8], result: FrameResult) -> npt.NDArray[np.uint8]:
        """Blur the faces of the next frame.

        Args:
            image: uint8 (H, W, 3) BGR; not changed.
            result: The result of the frame.

        Returns:
            A new uint8 (H, W, 3) BGR image.
        """
        at_s = result.media_time_s
        for index, face in enumerate(result.faces):
            key = face.track_id if face.track_id is not None else -1 - index
            last = self._last.get(key)
            self._last[key] = last.moved_to(face.box, at_s) if last else _LastBox(face.box, at_s)
        self._last = {
            key: last for key, last in self._last.items() if 0 <= at_s - last.at_s <= _HOLD_S
        }
        blurred = image.copy()
        for last in self._last.values():
            mosaic(blurred, last.region(at_s))
        return blurred


def _side(box: Box) -> float:
    # At an image edge only a strip of a face may be visible. Its longer side gives the size.
    return max(box.width, box.height, 1.0)


def mosaic(image: npt.NDArray[np.uint8], box: Box) -> None:
    """Pixelate a region of a uint8 (H, W, 3) image in place, with four blocks on its longer side.

    Blocks are nearly square, so a partly visible face does not get finer blocks than a whole one.
    """
    height, width = image.shape[:2]
    x_min, y_min, x_max, y_max = (round(edge) for edge in box.clip((width, height)).to_tuple())
    if x_max <= x_min or y_max <= y_min:
        return
    region = image[y_min:y_max, x_min:x_max]
    size_wh = (x_max - x_min, y_max - y_min)
    block_px = max(size_wh) / _BLOCKS
    n_across, n_down = (min(max(1, round(side / block_px)), side) for side in size_wh)
    blocks = cv2.resize(region, (n_across, n_down), interpolation=cv2.INTER_AREA)
    image[y_min:y_max, x_min:x_max] = cv2.resize(blocks, size_wh, interpolation=cv2.INTER_NEAREST)
