import struct

import pytest

from emolens.core.errors import DamagedImageError, ImageTooLargeError
from emolens.imaging.decode import decode_image
from emolens.imaging.webp import inspect_webp
from tests.unit.imaging.images import draw, encode, pillow


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<L", len(data)) + data + b"\0" * (len(data) % 2)
        for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<L", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"MM\0*\0\0\0\x08\0\0"}])
def test_the_size_is_read_from_every_kind_of_header(options: dict[str, object]) -> None:
    file = encode(pillow(draw()), "WEBP", **options)
    assert inspect_webp(file, 10_000).size_wh == (56, 40)


def test_image_data_that_ends_early_is_noticed() -> None:
    file = encode(pillow(draw()), "WEBP", lossless=True)
    with pytest.raises(DamagedImageError):
        decode_image(riff((b"VP8L", file[20 : len(file) // 2])))


def test_the_largest_canvas_is_refused() -> None:
    with pytest.raises(ImageTooLargeError, match="16777216 x 16777216"):
        decode_image(riff((b"VP8X", bytes(4) + b"\xff" * 6)))


def test_a_canvas_without_images_is_refused() -> None:
    with pytest.raises(DamagedImageError, match="no image data"):
        decode_image(riff((b"VP8X", bytes(10))))


def test_an_unknown_first_chunk_is_refused() -> None:
    with pytest.raises(DamagedImageError, match="no image header"):
        decode_image(riff((b"JUNK", bytes(30))))
