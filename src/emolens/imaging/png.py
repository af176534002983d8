"""PNG and APNG files: walk through the chunks and verify their checksums.

Source: W3C PNG (third edition), sections 5 and 11.
"""

import struct
import zlib

import numpy as np
from PIL import Image

from emolens.imaging.container import Container, check_size, cut_off, damaged
from emolens.imaging.exif import first_orientation

_NAME = "PNG"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_BYTES = 13
_PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_PALETTE_TYPE = 3
_DEEP = 16
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first column and row, then the column and row steps, of each pass.
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def inspect_png(encoded: bytes, max_pixels: int) -> Container:
    """Walk through a PNG file from its header to its end chunk.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        The file with only the first frame and without metadata, its size, orientation and number of
        frames.

    Raises:
        DamagedImageError: A chunk is damaged, or the file ends before its end chunk.
        ImageTooLargeError: The declared size is too large.
    """
    kept = [_SIGNATURE]
    exif_blocks: list[bytes] = []
    n_frame_headers = n_headers_before_image = 0
    has_image, declared_white = False, 0
    position, kind = len(_SIGNATURE), b""
    size_wh, drops_transparency = _read_header(encoded, max_pixels)
    while kind != b"IEND":
        if position + 12 > len(encoded):
            raise cut_off(_NAME, "before its end chunk")
        length, kind = struct.unpack_from(">L4s", encoded, position)
        end = position + 12 + length
        if end > len(encoded):
            raise cut_off(_NAME, f"inside chunk {kind!r}")
        if kind in _PIXEL_CHUNKS:
            _check_sum(encoded, position, end)
            if kind != b"tRNS" or not drops_transparency:
                kept.append(encoded[position:end])
        elif kind == b"eXIf":
            exif_blocks.append(encoded[position + 8 : end - 4])
        elif kind == b"sBIT":
            declared_white = (1 << max(encoded[position + 8 : end - 4], default=0)) - 1
        n_frame_headers += kind == b"fcTL"
        if kind == b"IDAT" and not has_image:
            has_image, n_headers_before_image = True, n_frame_headers
        position = end
    if not has_image:
        raise damaged(_NAME, "it has no image data")
    # An image without its own frame header is not one of the animation's frames.
    n_frames = n_frame_headers + (n_headers_before_image == 0)
    return Container(
        _NAME,
        size_wh,
        b"".join(kept),
        first_orientation(exif_blocks),
        n_frames,
        declared_white=declared_white or None,
    )


def _read_header(encoded: bytes, max_pixels: int) -> tuple[tuple[int, int], bool]:
    start = len(_SIGNATURE)
    if len(encoded) < start + 8 + _HEADER_BYTES:
        raise cut_off(_NAME, "inside its header")
    length, kind, width, height, depth, color = struct.unpack_from(">L4sLLBB", encoded, start)
    if kind != b"IHDR" or length != _HEADER_BYTES:
        raise damaged(_NAME, "it does not begin with a header")
    check_size(_NAME, (width, height), max_pixels)
    # Pillow compares the 16-bit transparent colour with pixels already reduced to 8 bits.
    return (width, height), depth == _DEEP and color != _PALETTE_TYPE


def _check_sum(encoded: bytes, start: int, end: int) -> None:
    (expected,) = struct.unpack_from(">L", encoded, end - 4)
    if zlib.crc32(memoryview(encoded)[start + 4 : end - 4]) != expected:
        kind = encoded[start + 4 : start + 8]
        raise damaged(_NAME, f"the checksum of chunk {kind!r} is wrong")


def verify_png(image: Image.Image, container: Container) -> None:
    """Detect image data that ends before the image does.

    Pillow silently leaves missing rows at zero. So if the last row is zero, or if the image is
    interlaced, the data is decompressed again and its bytes are counted.

    Args:
        image: The decoded image.
        container: The file behind it.

    Raises:
        DamagedImageError: There are fewer bytes than the pixels need.
    """
    header = container.pixel_file[len(_SIGNATURE) + 8 :][:_HEADER_BYTES]
    width, height, depth, color, _, _, interlaced = struct.unpack(">LLBBBBB", header)
    last_row = image.crop((0, image.height - 1, image.width, image.height))
    if not interlaced and np.asarray(last_row).any():
        return
    bits = depth * _SAMPLES[color]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    needed = sum(_pass_bytes(width, height, bits, place) for place in passes)
    if _count_unpacked(container.pixel_file, needed) < needed:
        raise cut_off(_NAME, "before the last row of pixels")


def _pass_bytes(width: int, height: int, bits: int, place: tuple[int, int, int, int]) -> int:
    x, y, step_x, step_y = place
    columns, rows = -(-(width - x) // step_x), -(-(height - y) // step_y)
    if columns < 1 or rows < 1:
        return 0
    return rows * (1 + -(-columns * bits // 8))


def _count_unpacked(pixel_file: bytes, enough: int) -> int:
    unpacker = zlib.decompressobj()
    n_bytes, position = 0, len(_SIGNATURE)
    while position < len(pixel_file) and n_bytes < enough:
        length, kind = struct.unpack_from(">L4s", pixel_file, position)
        packed = pixel_file[position + 8 : position + 8 + length] if kind == b"IDAT" else b""
        while packed and n_bytes < enough:
            n_bytes += len(unpacker.decompress(packed, 1 << 20))
            packed = unpacker.unconsumed_tail
        position += 12 + length
    # Read the output that is still buffered piece by piece: `flush` would decompress all that
    # follows, whatever its size.
    while n_bytes < enough and (rest := unpacker.decompress(unpacker.unconsumed_tail, 1 << 20)):
        n_bytes += len(rest)
    return n_bytes
