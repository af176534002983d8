"""PNM files (PBM, PGM, PPM), common in research data sets: check them and convert them to 8 bits.

Source: the netpbm manual pages pbm(5), pgm(5) and ppm(5).
"""

import re

import numpy as np
import numpy.typing as npt

from emolens.imaging.container import Container, check_size, cut_off, damaged

_NAME = "PNM"
_WHITE = 255
_MAX_WHITE = 65535
_BIT_KINDS, _COLOUR_KINDS, _PLAIN_KINDS = b"14", b"36", b"123"
_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_SIZE = re.compile(rb"P([1-6])" + _SPACE + rb"([0-9]{1,10})" + _SPACE + rb"([0-9]{1,10})")
_LARGEST_VALUE = re.compile(_SPACE + rb"([0-9]{1,10})")
_COMMENT = re.compile(rb"#[^\r\n]*")


def inspect_pnm(encoded: bytes, max_pixels: int) -> Container:
    """Read a PNM file and check that it has as many values as it declares.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        The size and the first image as a binary 8-bit PGM or PPM; white is the largest value that
        the file declares.

    Raises:
        DamagedImageError: The header is damaged, or the file ends early.
        ImageTooLargeError: The declared size is too large.
    """
    header = _SIZE.match(encoded)
    if header is None:
        raise damaged(_NAME, "its header has no width and height")
    kind, size_wh = header[1], (int(header[2]), int(header[3]))
    check_size(_NAME, size_wh, max_pixels)
    white, end = 1, header.end()
    if kind not in _BIT_KINDS:
        largest = _LARGEST_VALUE.match(encoded, end)
        if largest is None or not 0 < int(largest[1]) <= _MAX_WHITE:
            raise damaged(_NAME, f"its declared white level is not in 1 to {_MAX_WHITE}")
        white, end = int(largest[1]), largest.end()
    shape = (size_wh[1], size_wh[0] * (3 if kind in _COLOUR_KINDS else 1))
    read = _plain_values if kind in _PLAIN_KINDS else _binary_values
    # One white-space character separates header and values.
    values, end = read(encoded, end + 1, shape, white, is_bits=kind in _BIT_KINDS)
    magic = b"P6" if kind in _COLOUR_KINDS else b"P5"
    pixel_file = b"%s %d %d %d\n" % (magic, *size_wh, _WHITE) + values.tobytes()
    has_more = _SIZE.match(encoded, end) is not None
    warnings = ("only the first of several images is used",) if has_more else ()
    return Container(_NAME, size_wh, pixel_file, other_warnings=warnings)


def _binary_values(
    encoded: bytes, start: int, shape: tuple[int, int], white: int, *, is_bits: bool
) -> tuple[npt.NDArray[np.uint8], int]:
    """Return uint8 values, 0..255, and their end in the file."""
    height, width = shape
    value_bytes = 1 if white <= _WHITE else 2
    row_bytes = (width + 7) // 8 if is_bits else width * value_bytes
    end = start + row_bytes * height
    if end > len(encoded):
        raise cut_off(_NAME, f"{end - len(encoded):,} bytes early")
    if is_bits:
        packed = np.frombuffer(encoded, np.uint8, row_bytes * height, start)
        bits = np.unpackbits(packed.reshape(height, row_bytes), axis=1)[:, :width]
        return (1 - bits) * np.uint8(_WHITE), end
    stored = np.dtype(np.uint8 if value_bytes == 1 else ">u2")
    return _to_8_bits(np.frombuffer(encoded, stored, height * width, start), white), end


def _plain_values(
    encoded: bytes, start: int, shape: tuple[int, int], white: int, *, is_bits: bool
) -> tuple[npt.NDArray[np.uint8], int]:
    """Return uint8 values, 0..255, of a file in decimal digits, and their end in the file."""
    n_values = shape[0] * shape[1]
    digits = _COMMENT.sub(b" ", encoded[start:])
    if re.fullmatch(rb"[0-9\s]*", digits) is None:
        raise damaged(_NAME, "its values contain characters other than digits")
    if is_bits:
        # Bits need no spaces between them.
        bits = np.frombuffer(b"".join(digits.split()), np.uint8)
        stored = (bits == ord("0")).astype(np.int64)
    else:
        stored = np.fromstring(digits, np.int64, sep=" ")
    if len(stored) < n_values:
        raise cut_off(_NAME, f"{n_values - len(stored):,} values early")
    return _to_8_bits(stored[:n_values], white), len(encoded)


def _to_8_bits(
    values: npt.NDArray[np.uint8 | np.uint16 | np.int64], white: int
) -> npt.NDArray[np.uint8]:
    if white == _WHITE and values.dtype == np.uint8:
        return values.astype(np.uint8)
    known = np.minimum(values, white).astype(np.uint32)
    return ((known * _WHITE + white // 2) // white).astype(np.uint8)
