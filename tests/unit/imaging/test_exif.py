import io
import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from emolens.imaging.decode import decode_image
from emolens.imaging.exif import first_orientation, read_orientation, turn_upright
from tests.unit.imaging.images import chunk, draw, encode, pillow


def block(value: int, *, order: str = "<", kind: str = "H") -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    kinds = {"B": 1, "H": 3, "L": 4}
    stored = struct.pack(order + kind, value).ljust(4, b"\0")
    entry = struct.pack(f"{order}HHL", 0x0112, kinds[kind], 1) + stored
    return head + struct.pack(f"{order}LH", 8, 1) + entry + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["B", "H", "L"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_the_orientation_is_read(order: str, kind: str, prefix: bytes) -> None:
    assert read_orientation(prefix + block(6, order=order, kind=kind)) == 6


@pytest.mark.parametrize("exif", [b"", b"II*\0", b"nonsense", block(0), block(9), block(7)[:15]])
def test_a_broken_block_means_upright(exif: bytes) -> None:
    assert read_orientation(exif) == 1


@given(st.binary(max_size=60))
def test_any_bytes_give_an_orientation(tail: bytes) -> None:
    assert read_orientation(b"II*\0" + tail) in range(1, 9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_agrees_with_pillow(orientation: int) -> None:
    stored = pillow(draw())
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.info["exif"] = exif.tobytes()
    expected = np.asarray(ImageOps.exif_transpose(stored))
    assert (turn_upright(draw(), orientation)[..., ::-1] == expected).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [(1,), (3,)])
def test_turning_takes_parts_of_images_and_keeps_channels(
    orientation: int, channels: tuple[int, ...]
) -> None:
    image = np.arange(7 * 9 * 3, dtype=np.uint8).reshape(7, 9, 3)[2:6, 1:8, : channels[0]]
    turned = turn_upright(image, orientation)
    assert turned.shape == ((4, 7) if orientation < 5 else (7, 4)) + channels
    assert sorted(turned.ravel()) == sorted(image.ravel())


NOTHING = b"II*\0" + struct.pack("<LHL", 8, 0, 0)
TEXT = block(0)[:12] + struct.pack("<HL", 2, 2) + b"6\0\0\0" + bytes(4)
# What the blocks of a file say, and the orientation that counts: that of the first block with one.
SEVERAL = [
    ([block(6), block(1)], 6),
    ([block(1), block(6)], 1),
    ([block(6), block(3), block(8)], 6),
    ([NOTHING, block(6)], 6),
    ([b"", b"nonsense", block(6)], 6),
    ([block(8)[:15], block(6)], 6),
    ([block(0), block(6)], 1),
    ([block(9), block(6)], 1),
    ([TEXT, block(6)], 1),
    ([NOTHING, NOTHING], 1),
    ([], 1),
]


@pytest.mark.parametrize(("blocks", "expected"), SEVERAL)
def test_the_first_block_with_an_orientation_counts(blocks: list[bytes], expected: int) -> None:
    assert first_orientation(blocks) == expected


def _jpeg(blocks: list[bytes]) -> bytes:
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"
    segments = [xmp, *(b"Exif\0\0" + exif for exif in blocks)]
    app1 = b"".join(b"\xff\xe1" + struct.pack(">H", len(s) + 2) + s for s in segments)
    file = encode(pillow(draw()), "JPEG", quality=95)
    return file[:2] + app1 + file[2:]


def _png(blocks: list[bytes]) -> bytes:
    file = encode(pillow(draw()), "PNG")
    start = len(b"\x89PNG\r\n\x1a\n") + 25
    return file[:start] + b"".join(chunk(b"eXIf", exif) for exif in blocks) + file[start:]


def _webp(blocks: list[bytes]) -> bytes:
    file = encode(pillow(draw()), "WEBP", lossless=True, exif=NOTHING)
    body = file[12 : file.index(b"EXIF")]
    for exif in blocks:
        body += b"EXIF" + struct.pack("<L", len(exif)) + exif + b"\0" * (len(exif) % 2)
    return b"RIFF" + struct.pack("<L", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize(("blocks", "expected"), SEVERAL)
@pytest.mark.parametrize("build", [_jpeg, _png, _webp])
def test_files_with_several_blocks_are_turned_by_the_first_orientation(
    build: Callable[[list[bytes]], bytes], blocks: list[bytes], expected: int
) -> None:
    upright = decode_image(build([])).image
    assert (decode_image(build(blocks)).image == turn_upright(upright, expected)).all()


@pytest.mark.parametrize(
    "blocks", [[block(6), block(3)], [block(1), block(6)], [block(9), block(6)], [TEXT, block(6)]]
)
def test_pillow_and_opencv_turn_jpegs_the_same_way(blocks: list[bytes]) -> None:
    file = _jpeg(blocks)
    ours = decode_image(file).image.shape
    with Image.open(io.BytesIO(file)) as image:
        assert np.asarray(ImageOps.exif_transpose(image)).shape == ours
    decoded = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == ours


def test_of_a_tiff_with_two_orientations_the_first_counts() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = encode(pillow(draw()), "TIFF", exif=exif)
    entry = struct.pack("<HHLHH", 0x0112, 3, 1, 6, 0)
    assert file.count(entry) == 1
    (start,) = struct.unpack_from("<L", file, 4)
    (count,) = struct.unpack_from("<H", file, start)
    entries = [file[start + 2 + 12 * i :][:12] for i in range(count)]
    place = entries.index(entry)
    entries.insert(place + 1, struct.pack("<HHLHH", 0x0112, 3, 1, 3, 0))
    head = file[:4] + struct.pack("<L", len(file)) + file[8:]
    twice = head + struct.pack("<H", count + 1) + b"".join(entries) + bytes(4)
    assert (decode_image(twice).image == turn_upright(draw(), 6)).all()
