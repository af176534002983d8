"""GIF files: walk through the blocks and count the frames.

Source: GIF89a specification, CompuServe 1990.
"""

import struct

from emolens.imaging.container import Container, check_size, cut_off, damaged

_NAME = "GIF"
_SCREEN_BYTES = 13
_FRAME_BYTES = 9
_IMAGE, _EXTENSION, _TRAILER = b",", b"!", b";"


def inspect_gif(encoded: bytes, max_pixels: int) -> Container:
    """Walk through a GIF file from its header to its trailer.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        The file up to its first frame, its size and its number of frames. A first frame that
        extends beyond the declared canvas enlarges the image.

    Raises:
        DamagedImageError: A block is damaged, or the file ends before its trailer.
        ImageTooLargeError: The declared size is too large.
    """
    if len(encoded) < _SCREEN_BYTES:
        raise cut_off(_NAME, "inside its header")
    width, height, flags = struct.unpack_from("<HHB", encoded, 6)
    if width and height:
        check_size(_NAME, (width, height), max_pixels)
    position = _SCREEN_BYTES + _palette_bytes(flags)
    first_end, n_frames = 0, 0
    while (kind := encoded[position : position + 1]) != _TRAILER:
        if kind == _IMAGE:
            (right, bottom), position = _skip_frame(encoded, position + 1)
            n_frames += 1
            if n_frames == 1:
                first_end = position
                width, height = max(width, right), max(height, bottom)
                check_size(_NAME, (width, height), max_pixels)
        elif kind == _EXTENSION:
            position = _skip_blocks(encoded, position + 2)
        elif kind == b"\0":
            position += 1  # some programs terminate a block twice
        elif kind:
            raise damaged(_NAME, f"a block begins with the unknown byte {kind!r}")
        else:
            raise cut_off(_NAME, "before its trailer")
    if not n_frames:
        raise damaged(_NAME, "it has no frames")
    first_frame = encoded[:first_end] + _TRAILER
    return Container(_NAME, (width, height), first_frame, n_frames=n_frames)


def _skip_frame(encoded: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Return the right and lower edge of a frame, and the end of its data."""
    header = encoded[position : position + _FRAME_BYTES]
    if len(header) < _FRAME_BYTES:
        raise cut_off(_NAME, "inside a frame header")
    left, top, width, height, flags = struct.unpack("<HHHHB", header)
    # One byte before the data holds the code size.
    data = position + _FRAME_BYTES + _palette_bytes(flags) + 1
    return (left + width, top + height), _skip_blocks(encoded, data)


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(encoded: bytes, position: int) -> int:
    while position < len(encoded) and encoded[position]:
        position += 1 + encoded[position]
    if position >= len(encoded):
        raise cut_off(_NAME, "inside a block")
    return position + 1
