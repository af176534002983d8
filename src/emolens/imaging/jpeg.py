"""JPEG files: walk from marker to marker, and notice an image that ends in grey.

Source: ITU-T T.81, annex B (markers); EXIF 2.32, 4.7.2 (APP1).
"""

import io
import re

from PIL import Image, JpegImagePlugin

from emolens.imaging.container import Container, check_size, cut_off, damaged
from emolens.imaging.exif import first_orientation

_NAME = "JPEG"
# 0xFF 0x00 is a stuffed byte, 0xFF 0xFF padding, D0..D7 restart markers inside a scan.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SOI, _EOI, _TEM, _SOS, _APP1 = 0xD8, 0xD9, 0x01, 0xDA, 0xE1
_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# All APPn but APP0 (JFIF) and APP14 (Adobe), which say how colours are coded; and comments.
_METADATA = (set(range(0xE1, 0xF0)) - {0xEE}) | {0xFE}
# Progressive images have about ten scans; thousands are a way to burn hours of decoding.
_MAX_SCANS = 100
_LENGTH_BYTES = 2
_GREY = range(126, 130)
_FILLER = bytes(range(1, 255))


def inspect_jpeg(encoded: bytes, max_pixels: int) -> Container:
    """Walk through a JPEG file from its first to its last marker.

    What follows the end marker (a second image, a motion clip, padding) is ignored.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        The file without metadata, its size and orientation.

    Raises:
        DamagedImageError: A segment is broken, or the file ends before its end marker.
        ImageTooLargeError: The declared size is too large.
    """
    size_wh: tuple[int, int] | None = None
    exif_blocks: list[bytes] = []
    n_scans = 0
    kept: list[bytes] = []
    kept_until = position = 0
    while True:
        found = _MARKER.search(encoded, position)
        if found is None:
            raise cut_off(_NAME, "before its end-of-image marker")
        marker, position = encoded[found.end() - 1], found.end()
        if marker == _EOI:
            break
        if marker in (_SOI, _TEM):
            continue
        body, position = _read_segment(encoded, position)
        if marker in _FRAME_HEADERS:
            size_wh = _read_size(body, max_pixels)
        n_scans += marker == _SOS
        if n_scans > _MAX_SCANS:
            raise damaged(_NAME, f"it has more than {_MAX_SCANS} scans")
        if marker == _APP1 and body.startswith(b"Exif\0\0"):
            exif_blocks.append(body)
        if marker in _METADATA:
            kept.append(encoded[kept_until : found.start()])
            kept_until = position
    if size_wh is None or n_scans == 0:
        raise damaged(_NAME, "it holds no image between its first and last marker")
    kept.append(encoded[kept_until:position])
    return Container(_NAME, size_wh, b"".join(kept), first_orientation(exif_blocks))


def _read_segment(encoded: bytes, position: int) -> tuple[bytes, int]:
    length = int.from_bytes(encoded[position : position + 2], "big")
    end = position + length
    if end > len(encoded) or position + _LENGTH_BYTES > len(encoded):
        raise cut_off(_NAME, "inside a segment")
    if length < _LENGTH_BYTES:  # it counts itself
        raise damaged(_NAME, f"a segment declares a length of {length}")
    return encoded[position + 2 : end], end


def _read_size(body: bytes, max_pixels: int) -> tuple[int, int]:
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    check_size(_NAME, (width, height), max_pixels)
    return width, height


def verify_jpeg(image: Image.Image, container: Container) -> None:
    """Notice image data that ended before the image did.

    libjpeg fills the rest with mid-grey and reports nothing that Pillow passes on. So where the
    last pixel is mid-grey, the file is decoded once more with other bytes before its end marker:
    a complete image ignores them, an incomplete one changes. A progressive image that lost its
    later scans and got an end marker all the same only lacks detail, and is not noticed.

    Args:
        image: The decoded image.
        container: The file it came from.

    Raises:
        DamagedImageError: The image data ends too early.
    """
    last = image.getpixel((image.width - 1, image.height - 1))
    bands = last if isinstance(last, tuple) else (last,)
    if not all(value in _GREY for value in bands):
        return
    file = container.pixel_file
    again = JpegImagePlugin.JpegImageFile(io.BytesIO(file[:-2] + _FILLER + file[-2:]))
    again.load()
    if again.tobytes() != image.tobytes():
        raise cut_off(_NAME, "its image data does not reach the last row")
