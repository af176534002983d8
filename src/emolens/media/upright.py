"""Decoded frames as a player displays them: upright, with square pixels."""

import struct
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from emolens.imaging.pyav import SideData, VideoStream, av
from emolens.media.pixel_shape import PixelShape

_MATRIX = struct.Struct("=9i")
_AS_STORED = (1, 0, 0, 1)

Pixels = npt.NDArray[np.uint8]


class Upright:
    """The conversion of one stream's frames to upright images with square pixels.

    It applies the sample aspect ratio and the display matrix (rotation and mirroring) of the file.

    Source:
        ISO/IEC 14496-12, 6.2.2: a point (x, y), y pointing down, is displayed at
        (a x + c y, b x + d y).

    Args:
        stream: The stream; None means square pixels.
        on_warning: Called once per pixel aspect ratio that is not square.
    """

    def __init__(
        self,
        stream: VideoStream | None = None,
        *,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        self._pixels = PixelShape(stream, on_warning)
        self._rotation: int | None = None
        self._matrix = _AS_STORED

    def to_bgr(self, decoded: av.VideoFrame) -> Pixels:
        """Convert a decoded frame to uint8 (H, W, 3) BGR. Rotations are rounded to 90 degrees."""
        image = self._rotated(decoded, self._with_square_pixels(decoded))
        self._pixels.warn_once(decoded, (image.shape[1], image.shape[0]))
        return image

    def _with_square_pixels(self, decoded: av.VideoFrame) -> Pixels:
        width, height = self._pixels.display_size(decoded)
        if (width, height) == (decoded.width, decoded.height):
            return np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
        scaled = decoded.to_ndarray(
            format="bgr24", width=width, height=height, interpolation="BICUBIC"
        )
        return np.asarray(scaled, np.uint8)

    def _rotated(self, decoded: av.VideoFrame, image: Pixels) -> Pixels:
        # Read the matrix only if it may have changed: access to the side data keeps a frame in
        # memory until the next garbage collection.
        if decoded.rotation != self._rotation:
            self._rotation = decoded.rotation
            self._matrix = _matrix_of(decoded)
        if self._matrix == _AS_STORED:
            return image
        a, b, c, d = self._matrix
        if abs(a) + abs(d) < abs(b) + abs(c):
            image = image.transpose(1, 0, 2)
            from_right, from_below = c < 0, b < 0
        else:
            from_right, from_below = a < 0, d < 0
        image = image[:, ::-1] if from_right else image
        return np.ascontiguousarray(image[::-1] if from_below else image)


def _matrix_of(decoded: av.VideoFrame) -> tuple[int, int, int, int]:
    matrix = decoded.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return _AS_STORED
    a, b, _, c, d, *_ = _MATRIX.unpack(bytes(matrix))
    return a, b, c, d
