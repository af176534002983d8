"""Faces made unrecognisable, before anything is written."""

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
# Blocks across the blurred square, of which a face has about half. Mosaics of many small blocks are
# not safe: networks that are trained on them still recognise people (McPherson et al. 2016,
# "Defeating Image Obfuscation with Deep Learning").
_BLOCKS: Final = 4
# A detector may miss a face for a moment, which would show it. Where one was seen, the image
# stays blurred for so long, and the more widely the longer ago it was and the faster it moved.
_KEPT_S: Final = 1.0
_GROWTH_PER_S: Final = 0.5
# Over how long the speed is taken: boxes jitter from frame to frame.
_SPEED_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class _Seen:
    """A face when it was last seen; lengths in its own sides."""

    box: Box
    at_s: float
    speed_per_s: float = 0.0

    def moved_to(self, box: Box, at_s: float) -> "_Seen":
        elapsed_s = at_s - self.at_s
        if elapsed_s <= 0:
            return _Seen(box, at_s, self.speed_per_s)
        (x, y), (last_x, last_y) = box.center_xy, self.box.center_xy
        speed = math.hypot(x - last_x, y - last_y) / _side(box) / elapsed_s
        weight = -math.expm1(-elapsed_s / _SPEED_S)
        return _Seen(box, at_s, self.speed_per_s + weight * (speed - self.speed_per_s))

    def region(self, now_s: float) -> Box:
        """Where the face may be at a later moment."""
        growth = (_GROWTH_PER_S + self.speed_per_s) * (now_s - self.at_s)
        reach = (_MARGIN + growth) * _side(self.box)
        x_min, y_min, x_max, y_max = self.box.to_tuple()
        return Box(x_min - reach, y_min - reach, x_max + reach, y_max + reach)


class FaceBlur:
    """Blurs the faces of one stream, and for a second the places where they were last seen.

    A face that the detector never found is not blurred.
    """

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}

    def apply(self, image: npt.NDArray[np.uint8], result: FrameResult) -> npt.NDArray[np.uint8]:
        """Blur the faces of the next frame.

        Args:
            image: uint8 (H, W, 3) BGR; not changed.
            result: What was found in it.

        Returns:
            A new uint8 (H, W, 3) BGR image.
        """
        at_s = result.media_time_s
        for number, face in enumerate(result.faces):
            key = face.track_id if face.track_id is not None else -1 - number
            last = self._seen.get(key)
            self._seen[key] = last.moved_to(face.box, at_s) if last else _Seen(face.box, at_s)
        self._seen = {
            key: seen for key, seen in self._seen.items() if 0 <= at_s - seen.at_s <= _KEPT_S
        }
        blurred = image.copy()
        for seen in self._seen.values():
            mosaic(blurred, seen.region(at_s))
        return blurred


def _side(box: Box) -> float:
    # At an edge of the image only a strip of a face may be left: its longer side tells its size.
    return max(box.width, box.height, 1.0)


def mosaic(image: npt.NDArray[np.uint8], box: Box) -> None:
    """Replace a part of a uint8 (H, W, 3) image, in place, by blocks, six along its longer side.

    Blocks are about square, so that a face of which only a strip is in the image is not shown in
    finer blocks than a whole one.
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
