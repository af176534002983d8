"""Boxes of ISO base media files and the numbers in them, read without trusting a single byte.

Source: ISO/IEC 14496-12, section 4.2 (boxes).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from emolens.imaging.container import cut_off, damaged


@dataclass(slots=True, eq=False)
class Fields:
    """A part of a file that is read number by number.

    Attributes:
        source: The whole file.
        position: Offset of the next number in bytes.
        end: Offset of the end of the part.
        format_name: Name of the file format in messages.
    """

    source: bytes
    position: int
    end: int
    format_name: str

    def take(self, n_bytes: int) -> bytes:
        """Read the next bytes; raises `DamagedImageError` if fewer are left."""
        start = self.position
        if n_bytes > self.end - start:
            raise damaged(self.format_name, "a field extends beyond its box")
        self.position += n_bytes
        return self.source[start : self.position]

    def uint(self, n_bytes: int) -> int:
        """Read the next unsigned big-endian number."""
        return int.from_bytes(self.take(n_bytes))

    def sint(self, n_bytes: int) -> int:
        """Read the next signed big-endian number."""
        return int.from_bytes(self.take(n_bytes), signed=True)

    def version_and_flags(self) -> tuple[int, int]:
        """Read the version and the flags at the start of a full box."""
        return self.uint(1), self.uint(3)

    def rest(self) -> bytes:
        """Read all remaining bytes."""
        return self.take(self.end - self.position)


def boxes(fields: Fields) -> Iterator[tuple[bytes, Fields]]:
    """Iterate over consecutive boxes up to the end of a part.

    Args:
        fields: The part, e.g. a whole file. The iteration stops at bytes that are not a box.

    Yields:
        The type and the content of each box.

    Raises:
        DamagedImageError: A box extends beyond the part.
    """
    position = fields.position
    while position + 8 <= fields.end:
        head = Fields(fields.source, position, fields.end, fields.format_name)
        size, kind = head.uint(4), head.take(4)
        if size == 1:
            size = head.uint(8)
        elif size == 0:
            size = fields.end - position
        if size < head.position - position or not kind.isascii() or not kind.strip(b"\0"):
            return
        if position + size > fields.end:
            raise cut_off(fields.format_name, f"inside the box {kind!r}")
        yield kind, Fields(fields.source, head.position, position + size, fields.format_name)
        position += size
