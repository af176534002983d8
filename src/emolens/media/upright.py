"""Decoded pictures as a viewer sees them."""

import struct

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideData

from emolens.media.pyav import av

_MATRIX = struct.Struct("=9i")
_AS_STORED = (1, 0, 0, 1)

Pixels = npt.NDArray[np.uint8]


class Upright:
    """Turns and mirrors the frames of one stream as its display matrix says.

    Source: ISO/IEC 14496-12, 6.2.2: a point (x, y), y pointing down, is shown at
    (a x + c y, b x + d y).
    """

    def __init__(self) -> None:
        self._rotation: int | None = None
        self._matrix = _AS_STORED

    def to_bgr(self, decoded: av.VideoFrame) -> Pixels:
        """A decoded frame as uint8 (H, W, 3) BGR; turns are rounded to quarters."""
        # The matrix is read where it may have changed, not always: a frame whose side data was
        # looked at is kept until the garbage collector finds it.
        if decoded.rotation != self._rotation:
            self._rotation = decoded.rotation
            self._matrix = _matrix_of(decoded)
        image = np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
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
