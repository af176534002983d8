"""The items of a HEIF file: their types, their bytes and the references between them.

Source: ISO/IEC 14496-12, section 8.11 (meta box: pitm, iinf, iloc, iref, idat); ISO/IEC 23008-12,
section 9.3 (iprp: ipco, ipma).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from emolens.core.errors import UnsupportedFormatError
from emolens.imaging.boxes import Fields, boxes
from emolens.imaging.container import cut_off, damaged

_NAME = "HEIF"
_HIDDEN = 1
_WIDE_INDEX = 1
# Location of an item's bytes: in the file, or in the `idat` box.
_IN_FILE, _IN_DATA_BOX = 0, 1
Property = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: bytes
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Location of an item's bytes, as (start, length); a length of 0 means up to the end."""

    method: int
    extents: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The items listed in the meta box of a HEIF file.

    Attributes:
        primary: Number of the main image's item.
    """

    primary: int
    _source: bytes
    _data_box: tuple[int, int]
    _entries: Mapping[int, _Entry]
    _places: Mapping[int, _Place]
    _properties: Mapping[int, tuple[Property, ...]]
    _references: tuple[tuple[bytes, int, tuple[int, ...]], ...]

    @property
    def n_file_bytes(self) -> int:
        """Size of the whole file in bytes."""
        return len(self._source)

    def kind_of(self, item: int) -> bytes:
        """Return the four-letter type; raises `DamagedImageError` if there is no such item."""
        if item not in self._entries:
            raise damaged(_NAME, f"image {item} is missing")
        return self._entries[item].kind

    def properties_of(self, item: int) -> tuple[Property, ...]:
        """Return type and content of an item's properties, in order."""
        return self._properties.get(item, ())

    def property_of(self, item: int, kind: bytes) -> Fields | None:
        """Return the first property of a type, ready to be read; None if there is none."""
        content = next((of for name, of in self.properties_of(item) if name == kind), None)
        return None if content is None else Fields(content, 0, len(content), _NAME)

    def parts_of(self, item: int) -> tuple[int, ...]:
        """Return the items that a derived image consists of, in order."""
        found = (to for name, start, to in self._references if (name, start) == (b"dimg", item))
        return next(found, ())

    def alternatives_to(self, item: int, kind: bytes) -> tuple[int, ...]:
        """Return the items that refer to an item with a type, e.g. `b"auxl"` for its alpha."""
        return tuple(start for name, start, to in self._references if name == kind and item in to)

    def standing_alone(self) -> Iterator[bytes]:
        """Iterate over the types of visible items that are no part or auxiliary of another."""
        auxiliaries = {start for name, start, _ in self._references if name in (b"thmb", b"auxl")}
        parts = {part for name, _, to in self._references if name == b"dimg" for part in to}
        hidden = {item for item, entry in self._entries.items() if entry.is_hidden}
        others = auxiliaries | parts | hidden
        return (entry.kind for item, entry in self._entries.items() if item not in others)

    def length_of(self, item: int) -> int:
        """Return the size of an item in bytes; raises `DamagedImageError` if it is incomplete."""
        return sum(end - start for start, end in self._ranges(item))

    def content_of(self, item: int) -> bytes:
        """Return the bytes of an item; raises `DamagedImageError` if they are incomplete."""
        return b"".join(self._source[start:end] for start, end in self._ranges(item))

    def _ranges(self, item: int) -> list[tuple[int, int]]:
        place = self._places.get(item)
        if place is None:
            raise damaged(_NAME, f"the location of image {item} is missing")
        if place.method not in (_IN_FILE, _IN_DATA_BOX):
            raise UnsupportedFormatError(
                "the HEIF image is built from parts of other items, which is not supported. "
                "Save it as JPEG or PNG."
            )
        first, last = self._data_box if place.method == _IN_DATA_BOX else (0, len(self._source))
        ranges = [
            (first + start, first + start + length if length else last)
            for start, length in place.extents
        ]
        if not ranges or any(start >= end or end > last for start, end in ranges):
            raise cut_off(_NAME, f"inside image {item}")
        if sum(end - start for start, end in ranges) > len(self._source):
            raise damaged(_NAME, f"image {item} is larger than the file")
        return ranges


def read_items(meta: Fields) -> Items:
    """Read the content of a meta box.

    Raises:
        DamagedImageError: A box in it is damaged or missing.
    """
    meta.version_and_flags()
    found: dict[bytes, Fields] = {}
    for kind, content in boxes(meta):
        found.setdefault(kind, content)
    missing = [kind for kind in (b"pitm", b"iinf", b"iloc", b"iprp") if kind not in found]
    if missing:
        raise damaged(_NAME, f"the box {missing[0]!r} is missing")
    primary = found[b"pitm"]
    version, _ = primary.version_and_flags()
    data_box = found.get(b"idat")
    return Items(
        primary.uint(2 if version == 0 else 4),
        meta.source,
        (data_box.position, data_box.end) if data_box else (0, 0),
        dict(_entries(found[b"iinf"])),
        dict(_places(found[b"iloc"])),
        _properties(found[b"iprp"]),
        tuple(_references(found[b"iref"])) if b"iref" in found else (),
    )


def _entries(table: Fields) -> Iterator[tuple[int, _Entry]]:
    version, _ = table.version_and_flags()
    table.uint(2 if version == 0 else 4)
    for kind, entry in boxes(table):
        if kind == b"infe":
            version, flags = entry.version_and_flags()
            if version < 2:
                continue  # older than HEIF
            item = entry.uint(2 if version == 2 else 4)
            entry.uint(2)
            yield item, _Entry(entry.take(4), bool(flags & _HIDDEN))


def _places(table: Fields) -> Iterator[tuple[int, _Place]]:
    version, _ = table.version_and_flags()
    widths = table.uint(2)
    offset_bytes, length_bytes, base_bytes = widths >> 12, widths >> 8 & 15, widths >> 4 & 15
    index_bytes = widths & 15 if version else 0
    extent_bytes = index_bytes + offset_bytes + length_bytes
    for _ in range(table.uint(2 if version < 2 else 4)):
        item = table.uint(2 if version < 2 else 4)
        method = table.uint(2) & 15 if version else _IN_FILE
        table.uint(2)
        base = table.uint(base_bytes)
        n_extents = table.uint(2)
        # Extents of zero bytes would let a short file allocate billions of them.
        if n_extents > 1 and not extent_bytes:
            raise damaged(_NAME, f"image {item} has {n_extents} extents without a location")
        extents = []
        for _ in range(n_extents):
            table.uint(index_bytes)
            extents.append((base + table.uint(offset_bytes), table.uint(length_bytes)))
        yield item, _Place(method, tuple(extents))


def _references(table: Fields) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    version, _ = table.version_and_flags()
    width = 2 if version == 0 else 4
    for kind, content in boxes(table):
        start = content.uint(width)
        yield kind, start, tuple(content.uint(width) for _ in range(content.uint(2)))


def _properties(table: Fields) -> dict[int, tuple[Property, ...]]:
    known: list[Property] = []
    of_items: dict[int, tuple[Property, ...]] = {}
    for kind, content in boxes(table):
        if kind == b"ipco":
            known = [(name, of.rest()) for name, of in boxes(content)]
        elif kind == b"ipma":
            for item, numbers in _associations(content):
                # 0 means "none"; some programs write numbers beyond the list.
                kept = (known[number - 1] for number in numbers if 0 < number <= len(known))
                of_items.setdefault(item, tuple(kept))
    return of_items


def _associations(table: Fields) -> Iterator[tuple[int, list[int]]]:
    version, flags = table.version_and_flags()
    is_wide = flags & _WIDE_INDEX
    for _ in range(table.uint(4)):
        item = table.uint(2 if version == 0 else 4)
        numbers = [table.uint(2 if is_wide else 1) for _ in range(table.uint(1))]
        # The uppermost bit marks a property as essential.
        yield item, [number & (0x7FFF if is_wide else 0x7F) for number in numbers]
