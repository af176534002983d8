import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from emolens.core.errors import InputError, UnsupportedFormatError
from emolens.imaging.bgr import as_bgr, bgr_from_pillow
from emolens.imaging.decode import decode_image
from tests.unit.imaging.images import chunk, draw, encode, png


def test_grey_becomes_three_equal_channels() -> None:
    gray = draw()[..., 0]
    for image in (gray, gray[..., None], gray[::2, ::2]):
        bgr = as_bgr(image)
        assert bgr.shape == (*image.shape[:2], 3)
        assert (bgr == image.reshape(*image.shape[:2], 1)).all()


def test_bgr_stays_the_same_array() -> None:
    image = draw()
    assert as_bgr(image) is image


def test_alpha_is_blended_with_white() -> None:
    bgra = np.zeros((1, 4, 4), np.uint8)
    bgra[0, :, :3] = (10, 100, 200)
    bgra[0, :, 3] = (255, 128, 1, 0)
    assert as_bgr(bgra).tolist() == [
        [[10, 100, 200], [132, 177, 227], [254, 254, 255], [255, 255, 255]]
    ]


@pytest.mark.parametrize("alpha", [0, 255])
def test_alpha_that_is_the_same_everywhere_keeps_the_colours(alpha: int) -> None:
    bgra = np.dstack([draw(), np.full((40, 56), alpha, np.uint8)])
    assert (as_bgr(bgra) == draw()).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 3), np.uint16),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 3, 1), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((), np.uint8),
        [[1, 2], [3, 4]],
    ],
)
def test_other_arrays_are_refused(image: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match=r"^image is .*allowed: a non-empty uint8 array"):
        as_bgr(image)


def test_transparent_palettes_and_grey_are_blended() -> None:
    palette = Image.new("P", (3, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.putdata([0, 1, 2])
    file = encode(palette, "PNG", transparency=bytes([255, 0, 128]))
    assert decode_image(file).image.tolist() == [[[0, 0, 255], [255, 255, 255], [255, 127, 127]]]
    file = encode(palette, "GIF", transparency=1)
    assert decode_image(file).image.tolist() == [[[0, 0, 255], [255, 255, 255], [255, 0, 0]]]
    gray = Image.new("LA", (2, 1))
    gray.putdata([(100, 255), (100, 0)])
    for name in ("PNG", "TIFF", "WEBP"):
        file = encode(gray.convert("RGBA") if name == "WEBP" else gray, name, lossless=True)
        assert decode_image(file).image[0, :, 0].tolist() == [100, 255]


def test_a_transparent_colour_of_a_grey_png_is_blended() -> None:
    data = chunk(b"IDAT", zlib.compress(b"\0" + bytes([10, 20])))
    header = struct.pack(">LLBBBBB", 2, 1, 8, 0, 0, 0, 0)
    file = png(header, chunk(b"tRNS", b"\0\x14"), data)
    assert decode_image(file).image[0, :, 0].tolist() == [10, 255]


@pytest.mark.parametrize(("depth", "color"), [(16, 0), (16, 2), (16, 4), (16, 6)])
def test_16_bit_pngs_reach_black_and_white(depth: int, color: int) -> None:
    n_samples = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    n_colors = n_samples - (color > 2)
    pixel = [struct.pack(">H", value) * n_colors for value in (0, 0x8000, 0xFFFF)]
    opaque = b"\xff\xff" if color > 2 else b""
    data = chunk(b"IDAT", zlib.compress(b"\0" + b"".join(part + opaque for part in pixel)))
    header = struct.pack(">LLBBBBB", 3, 1, depth, color, 0, 0, 0)
    key = [] if color > 2 else [chunk(b"tRNS", b"\xff\xff" * n_samples)]
    assert decode_image(png(header, *key, data)).image[0, :, 1].tolist() == [0, 128, 255]


@pytest.mark.parametrize("mode", ["I", "F", "LAB", "HSV"])
def test_kinds_without_a_defined_white_are_refused(mode: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=mode):
        bgr_from_pillow(Image.new(mode, (2, 2)))


def test_premultiplied_grey_is_understood() -> None:
    assert bgr_from_pillow(Image.new("LA", (1, 1), (60, 255)).convert("La")).tolist() == [
        [[60, 60, 60]]
    ]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
@pytest.mark.parametrize("height", [511, 512, 1030])
def test_tall_images_are_the_same_as_converted_at_once(mode: str, height: int) -> None:
    rng = np.random.default_rng(0)
    drawn = Image.fromarray(rng.integers(0, 256, (height, 3, 3), np.uint8)).convert(mode)
    expected = np.asarray(drawn.convert("RGB"))[..., ::-1]
    np.testing.assert_array_equal(bgr_from_pillow(drawn), expected)
