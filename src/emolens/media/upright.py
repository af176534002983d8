"""Decoded pictures as a viewer sees them."""

import struct

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideData

from emolens.media.pyav import av

_MATRIX = struct.Struct("=9i")


def to_upright_bgr(decoded: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """A decoded frame as uint8 (H, W, 3) BGR, turned and mirrored as its display matrix says.

    Turns are by quarters, others are rounded to them.

    Source: ISO/IEC 14496-12, 6.2.2: a point (x, y), y pointing down, is shown at
    (a x + c y, b x + d y).
    """
    image = np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
    matrix = decoded.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return image
    a, b, _, c, d, *_ = _MATRIX.unpack(bytes(matrix))
    if abs(a) + abs(d) < abs(b) + abs(c):
        image = image.transpose(1, 0, 2)
        from_right, from_below = c < 0, b < 0
    else:
        from_right, from_below = a < 0, d < 0
    image = image[:, ::-1] if from_right else image
    return np.ascontiguousarray(image[::-1] if from_below else image)
