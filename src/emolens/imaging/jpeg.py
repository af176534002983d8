"""JPEG files: walk through the markers, and detect images with missing rows.

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
# Comments and all APPn except APP0 (JFIF) and APP14 (Adobe), which declare the colour coding.
_METADATA = (set(range(0xE1, 0xF0)) - {0xEE}) | {0xFE}
# Progressive images have about ten scans; thousands would take hours to decode.
_MAX_SCANS = 100
_LENGTH_BYTES = 2
_GREY = range(126, 130)
_FILLER = bytes(range(1, 255))


def inspect_jpeg(encoded: bytes, max_pixels: int) -> Container:
    """Walk through a JPEG file from its first to its last marker.

    Data after the end marker (a second image, a video clip, padding) is ignored.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        The file without metadata, its size and orientation.

    Raises:
        DamagedImageError: A segment is damaged, or the file ends before its end marker.
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
        raise damaged(_NAME, "it has no image between its first and last marker")
    kept.append(encoded[kept_until:position])
    return Container(_NAME, size_wh, b"".join(kept), first_orientation(exif_blocks))


def _read_segment(encoded: bytes, position: int) -> tuple[bytes, int]:
    length = int.from_bytes(encoded[position : position + 2], "big")
    end = position + length
    if end > len(encoded) or position + _LENGTH_BYTES > len(encoded):
        raise cut_off(_NAME, "inside a segment")
    if length < _LENGTH_BYTES:  # the length includes its own two bytes
        raise damaged(_NAME, f"a segment declares a length of {length} bytes")
    return encoded[position + 2 : end], end


def _read_size(body: bytes, max_pixels: int) -> tuple[int, int]:
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    check_size(_NAME, (width, height), max_pixels)
    return width, height


def verify_jpeg(image: Image.Image, container: Container) -> None:
    """Detect image data that ends before the image does.

    libjpeg fills missing rows with mid-grey and reports nothing that Pillow passes on. So if the
    last pixel is mid-grey, the file is decoded again with other bytes before its end marker. A
    complete image ignores them, an incomplete one changes. A progressive image without its later
    scans but with an end marker only loses detail, and is not detected.

    Args:
        image: The decoded image.
        container: The file behind it.

    Raises:
        DamagedImageError: The image data ends early.
    """
    last = image.getpixel((image.width - 1, image.height - 1))
    bands = last if isinstance(last, tuple) else (last,)
    if not all(value in _GREY for value in bands):
        return
    file = container.pixel_file
    redecoded = JpegImagePlugin.JpegImageFile(io.BytesIO(file[:-2] + _FILLER + file[-2:]))
    redecoded.load()
    if redecoded.tobytes() != image.tobytes():
        raise cut_off(_NAME, "before the last row of pixels")
