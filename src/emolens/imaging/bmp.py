"""BMP files: read the header and check that all pixels are present.

Source: Microsoft, "Bitmap Storage" (BITMAPFILEHEADER, BITMAPINFOHEADER), and OS/2 1.x
BITMAPCOREHEADER.
"""

import struct

from emolens.core.errors import UnsupportedFormatError
from emolens.imaging.container import Container, check_size, cut_off

_NAME = "BMP"
_FILE_HEADER_BYTES = 14
_CORE_HEADER_BYTES = 12
# Later headers only append fields to the first one.
_INFO_HEADER_BYTES = (40, 52, 56, 64, 108, 124)
_RAW, _RLE8, _RLE4, _BITFIELDS = 0, 1, 2, 3


def inspect_bmp(encoded: bytes, max_pixels: int) -> Container:
    """Read the header of a BMP file and check that the file is as long as it declares.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        The file and its size.

    Raises:
        DamagedImageError: The declared size is impossible, or the file ends early.
        ImageTooLargeError: The declared size is too large.
        UnsupportedFormatError: The header or the compression is not supported.
    """
    header_bytes = int.from_bytes(encoded[14:18], "little")
    if len(encoded) < _FILE_HEADER_BYTES + 4:
        raise cut_off(_NAME, "inside its header")
    if header_bytes not in (_CORE_HEADER_BYTES, *_INFO_HEADER_BYTES):
        raise UnsupportedFormatError(
            f"the BMP file has an unknown header of {header_bytes} bytes. Save the image as PNG."
        )
    if len(encoded) < _FILE_HEADER_BYTES + header_bytes:
        raise cut_off(_NAME, "inside its header")
    (start,) = struct.unpack_from("<L", encoded, 10)
    if header_bytes == _CORE_HEADER_BYTES:
        width, height, _, bits = struct.unpack_from("<HHHH", encoded, 18)
        compression, stored_bytes = _RAW, 0
    else:
        width, height, _, bits, compression, stored_bytes = struct.unpack_from(
            "<llHHLL", encoded, 18
        )
    # A negative height means that the rows are stored from top to bottom.
    check_size(_NAME, (width, abs(height)), max_pixels)
    if compression in (_RAW, _BITFIELDS):
        stored_bytes = (width * bits + 31) // 32 * 4 * abs(height)
    elif compression not in (_RLE8, _RLE4):
        raise UnsupportedFormatError(
            f"the BMP file uses the compression {compression}; allowed: none, RLE4 and RLE8. "
            "Save the image as PNG."
        )
    if start + stored_bytes > len(encoded):
        raise cut_off(_NAME, f"{start + stored_bytes - len(encoded):,} bytes early")
    return Container(_NAME, (width, abs(height)), encoded)
