import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.imaging.decode import decode_image
from tests.unit.imaging.images import chunk, draw, png

Values = npt.NDArray[np.uint16]
BITS = [8, 9, 10, 11, 12, 13, 14, 15, 16]
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def deep(bits: int, *, is_grey: bool = False) -> Values:
    """The drawn image with as many bits, (H, W, 1 or 3), the whole range used."""
    image = draw()
    image[0, 0], image[0, 1] = 0, 255
    values = np.round(image.astype(float) / 255 * ((1 << bits) - 1)).astype(np.uint16)
    return values[..., :1] if is_grey else values


def png_file(values: Values, *chunks: bytes) -> bytes:
    """Values (H, W, C), BGR and alpha or grey and alpha, as a PNG file of 16 bits."""
    height, width, n_samples = values.shape
    order = [2, 1, 0, 3][:n_samples] if n_samples > 2 else [0, 1][:n_samples]
    rows = values[..., order].astype(">u2").reshape(height, -1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">LLBBBBB", width, height, 16, _COLOR_TYPES[n_samples], 0, 0, 0)
    return png(header, *chunks, chunk(b"IDAT", data))


def tiff_file(values: Values, *extra: tuple[int, int], order: str = "<") -> bytes:
    """Values (H, W, 1 or 3) as an uncompressed TIFF file, with further tags of one short."""
    height, width, n_samples = values.shape
    data = values[..., ::-1].astype(f"{order}u2").tobytes()
    entries = [(256, width), (257, height), (259, 1), (262, 2 if n_samples > 1 else 1)]
    entries += [(277, n_samples), (278, height), (284, 1), *extra]
    start = 8 + len(data)
    after = start + 2 + 12 * (len(entries) + 3) + 4
    fields = [(tag, struct.pack(f"{order}HHLHH", tag, 3, 1, value, 0)) for tag, value in entries]
    bits = struct.pack(f"{order}HHL", 258, 3, n_samples)
    bits += struct.pack(f"{order}L", after) if n_samples > 1 else struct.pack(f"{order}HH", 16, 0)
    fields += [(258, bits), (273, struct.pack(f"{order}HHLL", 273, 4, 1, 8))]
    fields += [(279, struct.pack(f"{order}HHLL", 279, 4, 1, len(data)))]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", start)
    directory = struct.pack(f"{order}H", len(fields)) + b"".join(f for _, f in sorted(fields))
    return head + data + directory + bytes(4) + struct.pack(f"{order}HHH", 16, 16, 16)


def packed_tiff(values: Values) -> bytes:
    return cv2.imencode(".tiff", values, [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1].tobytes()


WRITERS: dict[str, Callable[[Values], bytes]] = {
    "PNG": png_file,
    "TIFF": tiff_file,
    "TIFF, most significant byte first": lambda values: tiff_file(values, order=">"),
    "TIFF, LZW": packed_tiff,
}


def assert_close(image: npt.NDArray[np.uint8], bits: int, *, is_grey: bool = False) -> None:
    expected = deep(bits, is_grey=is_grey) / ((1 << bits) - 1) * 255
    assert image.shape[2] == 3
    np.testing.assert_allclose(image, np.broadcast_to(expected, image.shape), atol=1.01)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("is_grey", [False, True])
@pytest.mark.parametrize("writer", WRITERS)
def test_the_bits_that_are_used_are_spread(writer: str, is_grey: bool, bits: int) -> None:
    decoded = decode_image(WRITERS[writer](deep(bits, is_grey=is_grey)))
    assert_close(decoded.image, bits, is_grey=is_grey)
    expected = f"the image uses {bits} of 16 bits: the value {(1 << bits) - 1} is treated as white"
    assert decoded.warnings == (() if bits == 16 else (expected,))


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("is_grey", [False, True])
def test_significant_bits_of_a_png_count_where_values_keep_to_them(
    bits: int, is_grey: bool
) -> None:
    n_colours = 1 if is_grey else 3
    significant = chunk(b"sBIT", bytes([bits] * n_colours))
    low = deep(bits, is_grey=is_grey)
    assert_close(decode_image(png_file(low, significant)).image, bits, is_grey=is_grey)
    # The standard's own way: the upper bits are used, so nothing is to be scaled.
    decoded = decode_image(png_file(low << np.uint16(16 - bits), significant))
    assert_close(decoded.image, bits, is_grey=is_grey)
    assert decoded.warnings == ()


def test_declared_white_beats_the_values() -> None:
    values = deep(10)
    for file in (
        png_file(values, chunk(b"sBIT", bytes([12, 12, 12]))),
        tiff_file(values, (281, 4095)),
        tiff_file(values, (341, 4095), order=">"),
    ):
        decoded = decode_image(file)
        assert decoded.warnings == (
            "the image uses 12 of 16 bits: the value 4095 is treated as white",
        )
        assert 60 <= decoded.image.max() <= 64


@pytest.mark.parametrize("declared", [0, 100, 65535])
def test_a_declared_white_that_tells_nothing_is_passed_over(declared: int) -> None:
    decoded = decode_image(tiff_file(deep(12), (281, declared)))
    assert_close(decoded.image, 12)
    decoded = decode_image(png_file(deep(12), chunk(b"sBIT", b"\xff\x00\x10")))
    assert_close(decoded.image, 12)


def test_a_few_broken_pixels_do_not_hide_the_rest() -> None:
    values = np.tile(deep(12), (8, 8, 1))
    values[100, 100] = values[7, 200] = 65535
    image = decode_image(png_file(values)).image
    assert image[100, 100].tolist() == [255, 255, 255]
    assert image.mean() == pytest.approx(decode_image(png_file(deep(16))).image.mean(), abs=2)


@pytest.mark.parametrize("opaque", [4095, 65535])
@pytest.mark.parametrize("is_grey", [False, True])
def test_transparency_is_scaled_too(is_grey: bool, opaque: int) -> None:
    colours = deep(12, is_grey=is_grey)
    alpha = np.full((*colours.shape[:2], 1), opaque, np.uint16)
    alpha[-1] = 0
    image = decode_image(png_file(np.concatenate([colours, alpha], axis=2))).image
    assert (image[-1] == 255).all()
    image = np.concatenate([image[:-1], decode_image(png_file(deep(16))).image[-1:]])
    expected = deep(12, is_grey=is_grey)[:-1] / 4095 * 255
    np.testing.assert_allclose(image[:-1], np.broadcast_to(expected, image[:-1].shape), atol=1.01)


def test_an_almost_black_image_is_left_to_what_deals_with_dark_ones() -> None:
    decoded = decode_image(png_file(deep(12) // np.uint16(1000)))
    assert decoded.warnings == ("the image uses 8 of 16 bits: the value 255 is treated as white",)
    assert decoded.image.max() == 4
    assert not decode_image(png_file(np.zeros_like(deep(12)))).image.any()


def test_8_bits_have_no_warning() -> None:
    decoded = decode_image(cv2.imencode(".png", draw() // 16)[1].tobytes())
    assert decoded.warnings == ()
    assert decoded.image.max() <= 15
