import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from emolens.core.errors import DamagedImageError
from emolens.imaging.decode import decode_image
from emolens.imaging.png import inspect_png
from tests.unit.imaging.images import Pixels, chunk, draw, encode, pillow, png

PASSES = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]


def gray_header(width: int, height: int, *, interlaced: bool = False) -> bytes:
    return struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, interlaced)


def interlaced_rows(gray: Pixels) -> bytes:
    parts = [gray[y::step_y, x::step_x] for x, y, step_x, step_y in PASSES]
    return b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (8, 8), (13, 9)])
def test_interlaced_images_are_complete_or_refused(shape: tuple[int, int]) -> None:
    gray = np.maximum(draw(*shape)[..., 0], 1)
    rows = interlaced_rows(gray)
    header = gray_header(shape[1], shape[0], interlaced=True)
    assert (
        decode_image(png(header, chunk(b"IDAT", zlib.compress(rows)))).image == gray[..., None]
    ).all()
    with pytest.raises(DamagedImageError):
        decode_image(png(header, chunk(b"IDAT", zlib.compress(rows[:-1]))))


def test_image_data_that_ends_early_is_noticed() -> None:
    rows = (b"\0" + bytes([200]) * 20) * 30
    header = gray_header(20, 30)
    for n_missing in (1, 20, 21, 300, 609):
        data = chunk(b"IDAT", zlib.compress(rows[:-n_missing]))
        with pytest.raises(DamagedImageError):
            decode_image(png(header, data))


def test_a_black_last_row_is_no_damage() -> None:
    packed = zlib.compress(bytes(21 * 30))
    parts = [chunk(b"IDAT", packed[:7]), chunk(b"IDAT", b""), chunk(b"IDAT", packed[7:])]
    assert not decode_image(png(gray_header(20, 30), *parts)).image.any()


def test_more_data_than_pixels_costs_nothing() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    assert decode_image(png(gray_header(8, 8), chunk(b"IDAT", bomb))).image.shape == (8, 8, 3)


def test_a_wrong_check_sum_is_noticed() -> None:
    file = bytearray(encode(pillow(draw()), "PNG"))
    file[file.index(b"IDAT") + 30] ^= 1
    with pytest.raises(DamagedImageError, match="checksum of chunk b'IDAT'"):
        decode_image(bytes(file))


def test_metadata_is_left_out_and_may_be_broken() -> None:
    file = encode(pillow(draw()), "PNG")
    end_of_header = 8 + 25
    broken_text = b"\0\0\0\5tEXthelloXXXX"
    whole = file[:end_of_header] + broken_text + file[end_of_header:]
    assert b"hello" not in inspect_png(whole, 10_000).pixel_file
    assert (decode_image(whole).image == draw()).all()


def test_an_image_beside_its_animation_counts_as_the_first() -> None:
    row = chunk(b"IDAT", zlib.compress(b"\0\7"))
    control = chunk(b"fcTL", struct.pack(">LLLLLHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0))
    frame = chunk(b"fdAT", b"\0\0\0\1" + zlib.compress(b"\0\x09"))
    animation = chunk(b"acTL", struct.pack(">LL", 1, 0))
    decoded = decode_image(png(gray_header(1, 1), animation, row, control, frame))
    assert decoded.warnings == ("only the first of 2 frames is used",)
    assert decoded.image.tolist() == [[[7, 7, 7]]]


@pytest.mark.parametrize("size", [(0, 4), (4, 0), (0, 0)])
def test_empty_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(DamagedImageError, match="declares a size"):
        decode_image(png(gray_header(*size), chunk(b"IDAT", zlib.compress(b""))))


def test_files_without_header_or_data_are_refused() -> None:
    with pytest.raises(DamagedImageError, match="begin with a header"):
        decode_image(b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", bytes(13)))
    with pytest.raises(DamagedImageError, match="no image data"):
        decode_image(png(gray_header(1, 1)))


def test_1_bit_pixels_become_black_and_white() -> None:
    bilevel = pillow(draw()).convert("1")
    image = decode_image(encode(bilevel, "PNG")).image
    assert (image[..., 0] == np.asarray(bilevel) * 255).all()


def test_data_beyond_the_image_is_not_unpacked() -> None:
    packed = zlib.compress(bytes(100_000_000))
    tracemalloc.start()
    try:
        assert (decode_image(png(gray_header(1, 1), chunk(b"IDAT", packed))).image == 0).all()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20_000_000
