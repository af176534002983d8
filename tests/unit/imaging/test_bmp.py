import struct

import numpy as np
import pytest

from emolens.core.errors import DamagedImageError, ImageTooLargeError, UnsupportedFormatError
from emolens.imaging.decode import decode_image
from tests.unit.imaging.images import draw, encode, pillow, rle8_bmp

FILE = encode(pillow(draw()), "BMP")


def patched(offset: int, form: str, value: int) -> bytes:
    packed = struct.pack(form, value)
    return FILE[:offset] + packed + FILE[offset + len(packed) :]


def test_rows_may_stand_from_top_to_bottom() -> None:
    assert (decode_image(patched(22, "<l", -40)).image == draw()[::-1]).all()


@pytest.mark.parametrize("width", [0, -1, -(2**31)])
def test_empty_and_negative_widths_are_refused(width: int) -> None:
    with pytest.raises(DamagedImageError, match="declares a size"):
        decode_image(patched(18, "<l", width))


@pytest.mark.parametrize("height", [2**31 - 1, -(2**31)])
def test_absurd_heights_are_refused(height: int) -> None:
    with pytest.raises(ImageTooLargeError):
        decode_image(patched(22, "<l", height))


def test_runs_of_pixels_are_unpacked() -> None:
    gray = draw()[..., 1]
    assert (decode_image(rle8_bmp(gray)).image == gray[..., None]).all()


def test_unpacked_runs_that_end_early_are_noticed_without_a_declared_length() -> None:
    file = bytearray(rle8_bmp(draw()[..., 1]))
    file[34:38] = bytes(4)
    with pytest.raises(DamagedImageError):
        decode_image(bytes(file[:-500]))


def test_the_header_of_os2_is_read() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 4, 3)
    header = struct.pack("<2sLHHLLHHHH", b"BM", 38, 0, 0, 26, 12, 4, 1, 1, 24)
    assert (decode_image(header + pixels.tobytes()).image == pixels).all()


def test_the_unused_fourth_byte_is_no_transparency() -> None:
    pixels = np.full((2, 2, 4), 90, np.uint8)
    pixels[..., 3] = 0
    header = struct.pack("<2sLHHLLllHHL", b"BM", 70, 0, 0, 54, 40, 2, 2, 1, 32, 0) + bytes(20)
    assert (decode_image(header + pixels.tobytes()).image == 90).all()


def test_rare_kinds_are_named() -> None:
    with pytest.raises(UnsupportedFormatError, match="compression 4; allowed: none, RLE4 and RLE8"):
        decode_image(patched(30, "<L", 4))
    with pytest.raises(UnsupportedFormatError, match="header of 1701 bytes"):
        decode_image(patched(14, "<L", 1701))
    with pytest.raises(UnsupportedFormatError, match="pixel depth"):
        decode_image(patched(28, "<H", 3))
