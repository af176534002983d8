"""The meaning of the colours of heat maps, as a line at the upper edge of a stream."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.frame import FrameResult
from emolens.rendering.heatmap import COLORMAP, HeatLegend
from emolens.rendering.pen import Pen, inclusive
from emolens.rendering.placement import corner_region, free_corner

_N_BLOCKS = 24
# Shares (x, y) of the free width and height. The upper right corner belongs to the status of the
# stream, and the lower edge to its time lines.
_PLACES = ((0.0, 0.0), (0.5, 0.0))


class HeatStrip:
    """A layer with the colour scale of heat maps, in frames with faces.

    Args:
        legend: The meaning of the colours.
        short: A shorter text for narrow frames. If it does not fit either, the scale stands alone.
    """

    def __init__(self, legend: HeatLegend, short: str) -> None:
        self._legend = legend
        self._short = short
        self._last = _PLACES[0]

    def apply(self, image: npt.NDArray[np.uint8], result: FrameResult) -> npt.NDArray[np.uint8]:
        """Draw the scale at the upper edge, or nothing if a face is in the way.

        Args:
            image: uint8 (H, W, 3) BGR; not changed.
            result: The result of the frame.

        Returns:
            A new uint8 (H, W, 3) BGR image of the same size, or `image` itself if nothing is drawn.
        """
        if not result.faces:
            return image
        pen = Pen(image)
        margin = pen.text_px * 0.4
        low, high = f"{self._legend.low} ", f" {self._legend.high}"
        length = pen.text_px * 4
        scale_px = pen.width_of(low) + length + pen.width_of(high)
        room = pen.size_wh[0] * 0.75 - scale_px - 4 * margin
        text = _fitting(pen, (f"{self._legend.text}: ", f"{self._short}: "), room)
        item_wh = (math.ceil(pen.width_of(text) + scale_px + 2 * margin), round(pen.text_px * 1.4))
        edge_px = round(margin)
        boxes = [face.box for face in result.faces]
        places = (self._last, *_PLACES)
        place = free_corner(item_wh, pen.size_wh, boxes, margin_px=edge_px, corners=places)
        if place is None:
            return image
        self._last = place
        region = corner_region(place, item_wh, pen.size_wh, margin_px=edge_px)
        pen.panel(inclusive(region), radius=region.height / 4)
        x, middle = region.x_min + margin, region.center_xy[1]
        pen.write((x, middle), text + low)
        x += pen.width_of(text + low)
        _draw_scale(pen, x, middle, length)
        pen.write((x + length, middle), high)
        return pen.to_bgr()


def _fitting(pen: Pen, texts: Sequence[str], room: float) -> str:
    return next((text for text in texts if pen.width_of(text) <= room), "")


def _draw_scale(pen: Pen, x: float, middle: float, length: float) -> None:
    half = pen.text_px * 0.35
    levels = np.linspace(0, 255, _N_BLOCKS).round().astype(np.uint8)[np.newaxis]
    colors = np.asarray(cv2.applyColorMap(levels, COLORMAP))[0, :, ::-1].tolist()
    for index, (red, green, blue) in enumerate(colors):
        start, end = (x + length * step / _N_BLOCKS for step in (index, index + 1))
        pen.block((start, middle - half, end, middle + half), (red, green, blue))
