"""Text inside PNG and JPEG files, added and read without decoding the image.

Source: W3C PNG (third edition), section 11.3.3.2 (tEXt); ITU-T T.81, B.2.4.5 (COM).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from emolens.core.errors import InputError

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES: Final = len(_PNG) + 25
_JPEG: Final = b"\xff\xd8"
_COMMENT, _START_OF_SCAN, _APP0, _APP15 = 0xFE, 0xDA, 0xE0, 0xEF
# The length field of a JPEG segment has 16 bits and counts itself.
_MAX_COMMENT_BYTES: Final = 65_533


def with_text(encoded: bytes, key: str, text: str) -> bytes:
    """Add a text to an encoded image.

    Args:
        encoded: A PNG or JPEG file.
        key: ASCII keyword without spaces.
        text: ASCII text; at most 65,000 characters in a JPEG file.

    Raises:
        InputError: The image is neither, or the text is too long for it.
    """
    content = key.encode("ascii"), text.encode("ascii")
    if encoded.startswith(_PNG):
        chunk = b"tEXt" + b"\0".join(content)
        packed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return encoded[:_PNG_HEADER_BYTES] + packed + encoded[_PNG_HEADER_BYTES:]
    if not encoded.startswith(_JPEG):
        raise InputError("a text can be added to PNG and JPEG files only")
    comment = b" ".join(content)
    if len(comment) > _MAX_COMMENT_BYTES:
        raise InputError(f"the text has {len(text)} characters; allowed in JPEG files: 65,000")
    segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    # The JFIF segment must be the first one.
    first = next((s for s in _segments(encoded) if _APP0 <= s[0] <= _APP15), None)
    position = first[2] if first and first[1] == len(_JPEG) else len(_JPEG)
    return encoded[:position] + segment + encoded[position:]


def text_in(encoded: bytes, key: str) -> str | None:
    """Return the text under a keyword in a PNG or JPEG file, or None if it has none."""
    prefix = key.encode("ascii")
    if encoded.startswith(_PNG):
        texts = (part.partition(b"\0") for part in _png_texts(encoded))
    elif encoded.startswith(_JPEG):
        parts = (encoded[b + 4 : e] for kind, b, e in _segments(encoded) if kind == _COMMENT)
        texts = (part.partition(b" ") for part in parts)
    else:
        return None
    return next((text.decode("latin-1") for own, _, text in texts if own == prefix), None)


def _png_texts(encoded: bytes) -> Iterator[bytes]:
    position = len(_PNG)
    while position + 12 <= len(encoded):
        length, kind = struct.unpack_from(">I4s", encoded, position)
        if kind == b"tEXt":
            yield encoded[position + 8 : position + 8 + length]
        position += 12 + length


def _segments(encoded: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the kind, the beginning and the end of each JPEG segment before the pixels."""
    position = len(_JPEG)
    while position + 4 <= len(encoded) and encoded[position] == 0xFF:
        kind = encoded[position + 1]
        end = position + 2 + int(struct.unpack_from(">H", encoded, position + 2)[0])
        if kind == _START_OF_SCAN:
            return
        yield kind, position, end
        position = end
