import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from emolens.core.errors import DamagedImageError, ImageTooLargeError, UnsupportedFormatError
from emolens.imaging.decode import decode_image
from emolens.imaging.tiff import inspect_tiff
from tests.unit.imaging.images import Pixels, draw, encode, pillow


def tiff(tags: dict[int, int | tuple[int, ...]], data: bytes, *, order: str = "<") -> bytes:
    """A TIFF file with LONG tags; `data` stands at byte 8."""
    start = 8 + len(data)
    tables = start + 2 + 12 * len(tags) + 4
    entries, beyond = b"", b""
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"{order}{len(values)}L", *values)
        if len(values) > 1:
            beyond, packed = beyond + packed, struct.pack(f"{order}L", tables + len(beyond))
        entries += struct.pack(f"{order}HHL", tag, 4, len(values)) + packed
    magic = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return magic + struct.pack(f"{order}L", start) + data + directory + beyond


def gray_tags(gray: Pixels) -> dict[int, int | tuple[int, ...]]:
    height, width = gray.shape
    return {
        256: width,
        257: height,
        258: 8,
        259: 1,
        262: 1,
        273: 8,
        277: 1,
        278: height,
        279: gray.size,
    }


GRAY = np.ascontiguousarray(draw()[..., 0])


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order: str) -> None:
    file = tiff(gray_tags(GRAY), GRAY.tobytes(), order=order)
    assert (decode_image(file).image == GRAY[..., None]).all()


def test_white_may_be_zero() -> None:
    file = tiff(gray_tags(GRAY) | {262: 0}, GRAY.tobytes())
    assert (decode_image(file).image == 255 - GRAY[..., None]).all()


def test_tiles_and_16_bit_colours_of_another_writer_are_read() -> None:
    deep = draw().astype(np.uint16) * 257
    for name, image in (("deep", deep), ("plain", draw())):
        done, encoded = cv2.imencode(".tif", image)
        assert done, name
        assert (decode_image(encoded.tobytes()).image == draw()).all()
    tile = np.zeros((48, 64), np.uint8)
    tile[:40, :56] = GRAY
    tiles = b"".join(
        tile[y : y + 16, x : x + 16].tobytes() for y in (0, 16, 32) for x in (0, 16, 32, 48)
    )
    tags = gray_tags(GRAY) | {
        322: 16,
        323: 16,
        324: tuple(range(8, 8 + 3072, 256)),
        325: (256,) * 12,
    }
    for strip_tag in (273, 278, 279):
        del tags[strip_tag]
    assert (decode_image(tiff(tags, tiles)).image == GRAY[..., None]).all()
    with pytest.raises(DamagedImageError, match="11 of 12 strips or tiles"):
        decode_image(tiff(tags | {324: tuple(range(8, 8 + 2816, 256)), 325: (256,) * 11}, tiles))


def test_only_the_first_page_and_its_pixel_tags_are_handed_on() -> None:
    pages = [pillow(draw()[::-1])]
    file = encode(pillow(draw()), "TIFF", save_all=True, append_images=pages, description="a note")
    container = inspect_tiff(file, 10_000)
    assert container.n_frames == 2
    assert inspect_tiff(container.pixel_file, 10_000).n_frames == 1
    assert (decode_image(file).image == draw()).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({273: 1 << 30}, "inside a strip"),
        ({279: 1 << 30}, "inside a strip"),
        ({278: 0}, "side of 0 px"),
        ({278: 7}, "1 of 6 strips"),
        ({256: 0}, "declares a size of 0 x 40"),
        ({256: (56, 56)}, "tag 256 has 2 values"),
    ],
)
def test_contradictions_are_noticed(change: dict[int, int | tuple[int, ...]], reason: str) -> None:
    with pytest.raises(DamagedImageError, match=reason):
        decode_image(tiff(gray_tags(GRAY) | change, GRAY.tobytes()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({339: 3}, "sample format"),
        ({258: 32}, "32"),
        ({258: 12}, "12"),
        ({277: 40}, "40 samples"),
        ({259: 9999}, "unknown compression 9999"),
        ({258: 16, 262: 0}, "white as zero"),
        ({258: 16, 284: 2}, "separate planes"),
        ({322: 1 << 20, 323: 1 << 20}, "tiles of more than"),
    ],
)
def test_rare_kinds_are_named(change: dict[int, int | tuple[int, ...]], reason: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=reason):
        decode_image(tiff(gray_tags(GRAY) | change, GRAY.tobytes()))


def test_floating_point_images_are_refused() -> None:
    file = encode(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF")
    with pytest.raises(UnsupportedFormatError, match="no defined white"):
        decode_image(file)


def test_a_size_of_4_billion_is_refused() -> None:
    with pytest.raises(ImageTooLargeError):
        decode_image(tiff(gray_tags(GRAY) | {256: 2**32 - 1, 257: 2**32 - 1}, GRAY.tobytes()))


def test_a_list_of_pages_without_end_is_refused() -> None:
    file = bytearray(tiff(gray_tags(GRAY), GRAY.tobytes()))
    start = 8 + GRAY.size
    following = start + 2 + 12 * 9
    file[following : following + 4] = struct.pack("<L", start)
    with pytest.raises(DamagedImageError, match="does not end"):
        decode_image(bytes(file))
    with pytest.raises(DamagedImageError, match="has no pages"):
        decode_image(b"II*\0" + bytes(8))


def test_offsets_beyond_all_memory_are_refused() -> None:
    file = bytearray(encode(pillow(draw()), "TIFF", big_tiff=True))
    file[8:16] = b"\xff" * 8
    with pytest.raises(DamagedImageError, match="inside a directory"):
        decode_image(bytes(file))
