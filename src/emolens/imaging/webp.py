"""WebP files: walk through the chunks.

Source: RFC 9649 (WebP container), RFC 6386 section 9.1 (VP8 frame header).
"""

import struct

from emolens.imaging.container import Container, check_size, cut_off, damaged
from emolens.imaging.exif import first_orientation

_NAME = "WebP"
_RIFF_BYTES = 12
_IMAGES = {b"VP8 ", b"VP8L", b"ANMF"}
_LOSSLESS_SIGNATURE = 0x2F
_SIDE_MASK = 0x3FFF
# Length of the shortest header that contains the size.
_HEADER_BYTES = 30


def inspect_webp(encoded: bytes, max_pixels: int) -> Container:
    """Walk through a WebP file from its first to its last chunk.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        The file, its size, orientation and number of frames.

    Raises:
        DamagedImageError: A chunk is damaged, or the file is shorter than it declares.
        ImageTooLargeError: The declared size is too large.
    """
    size_wh = _read_size(encoded)
    check_size(_NAME, size_wh, max_pixels)
    (declared,) = struct.unpack_from("<L", encoded, 4)
    end = declared + 8
    if end > len(encoded):
        raise cut_off(_NAME, f"after {len(encoded):,} of {end:,} bytes")
    exif_blocks: list[bytes] = []
    n_images = n_frames = 0
    position = _RIFF_BYTES
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sL", encoded, position)
        if position + 8 + length > end:
            raise cut_off(_NAME, f"inside chunk {kind!r}")
        if kind == b"EXIF":
            exif_blocks.append(encoded[position + 8 : position + 8 + length])
        n_images += kind in _IMAGES
        n_frames += kind == b"ANMF"
        position += 8 + length + length % 2
    if not n_images:
        raise damaged(_NAME, "it has no image data")
    return Container(
        _NAME, size_wh, encoded[:end], first_orientation(exif_blocks), max(n_frames, 1)
    )


def _read_size(encoded: bytes) -> tuple[int, int]:
    kind = encoded[_RIFF_BYTES : _RIFF_BYTES + 4]
    if len(encoded) < _HEADER_BYTES:
        raise cut_off(_NAME, "inside its header")
    if kind == b"VP8X":
        canvas = encoded[24:30]
        return int.from_bytes(canvas[:3], "little") + 1, int.from_bytes(canvas[3:], "little") + 1
    if kind == b"VP8L" and encoded[20] == _LOSSLESS_SIGNATURE:
        (bits,) = struct.unpack_from("<L", encoded, 21)
        return (bits & _SIDE_MASK) + 1, ((bits >> 14) & _SIDE_MASK) + 1
    if kind == b"VP8 " and encoded[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", encoded, 26)
        return width & _SIDE_MASK, height & _SIDE_MASK
    raise damaged(_NAME, f"its first chunk {kind!r} has no image header")
