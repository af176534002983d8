"""EXIF orientation: read it without trusting a single byte, and rotate the image upright.

Source: EXIF 2.32 (CIPA DC-008-2019), tag 0x0112; TIFF 6.0, section 2, for the surrounding bytes.
"""

import struct
from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

_ORIENTATION = 0x0112
_UNSIGNED_FORMATS = {1: "B", 3: "H", 4: "L"}
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def read_orientation(exif: bytes) -> int:
    r"""Read the orientation from an EXIF block.

    Args:
        exif: The block as stored in the file, with or without the leading `Exif\0\0`.

    Returns:
        1..8; 1 if the block is damaged or has no orientation, because a wrong tag must not make the
        image unreadable.
    """
    return first_orientation([exif])


def first_orientation(blocks: Iterable[bytes]) -> int:
    """Read the orientation from the EXIF blocks of a file.

    The first block with an orientation counts, as in Pillow and OpenCV, even if its value is none
    of the eight. Blocks that are damaged or have no orientation are skipped.

    Args:
        blocks: The blocks in file order, each as for `read_orientation`.

    Returns:
        1..8; 1 if no block has an orientation, or if the first one has an unknown value.
    """
    found = (_find_orientation(exif) for exif in blocks)
    return next((value for value in found if value is not None), 1)


def _find_orientation(exif: bytes) -> int | None:
    exif = exif.removeprefix(b"Exif\0\0")
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}L", exif, 4)
        (n_entries,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * n_entries, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == _ORIENTATION:
                if kind not in _UNSIGNED_FORMATS:  # e.g. text
                    return 1
                (value,) = struct.unpack_from(order + _UNSIGNED_FORMATS[kind], exif, entry + 8)
                return checked_orientation(value)
    except struct.error:
        pass
    return None


def checked_orientation(value: int) -> int:
    """Return the value if it is one of the eight orientations, else 1."""
    return value if value in range(1, 9) else 1


def turn_upright(image: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Undo an EXIF orientation.

    Args:
        image: uint8 (H, W, C) as stored.
        orientation: 1..8.

    Returns:
        The upright image, (W, H, C) for orientations 5..8; the image itself for 1.
    """
    # Several times faster than copying NumPy views.
    match orientation:
        case 2:
            turned = cv2.flip(image, 1)
        case 3:
            turned = cv2.rotate(image, cv2.ROTATE_180)
        case 4:
            turned = cv2.flip(image, 0)
        case 5:
            turned = cv2.transpose(image)
        case 6:
            turned = cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            turned = cv2.rotate(cv2.transpose(image), cv2.ROTATE_180)
        case 8:
            turned = cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            return image
    # OpenCV drops a single channel axis.
    return np.asarray(turned, np.uint8).reshape(*turned.shape[:2], *image.shape[2:])
