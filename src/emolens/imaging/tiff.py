"""TIFF files: walk through the pages, check the location of the pixels and keep the first page.

Source: TIFF 6.0 (Adobe 1992), section 2 and part 2; BigTIFF as in libtiff 4.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from emolens.core.errors import UnsupportedFormatError
from emolens.imaging.container import Container, check_size, cut_off, damaged
from emolens.imaging.exif import checked_orientation

_NAME = "TIFF"
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 262, 274
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_SAMPLE_FORMAT = 339
_MAX_SAMPLE_VALUES = (281, 341)
# None, fax, LZW, JPEG (old and new), deflate, PackBits, LZMA, Zstandard, WebP.
_COMPRESSION = 259
_COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000, 50001}
_SINGLE_VALUES = {
    _WIDTH,
    _HEIGHT,
    _COMPRESSION,
    _PHOTOMETRIC,
    266,
    _SAMPLES,
    _ROWS_PER_STRIP,
    _PLANAR,
} | {
    317,
    _TILE_WIDTH,
    _TILE_HEIGHT,
}
# Other tags that describe the coding of pixels: fax options, colour map, extra samples, sample
# format, JPEG tables (new and old style), YCbCr coefficients, subsampling and position, black and
# white.
_PIXEL_TAGS = _SINGLE_VALUES | {
    *(_BITS, _STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES, _SAMPLE_FORMAT),
    *(292, 293, 320, 338, 347, *range(512, 522), 529, 530, 531, 532),
}
# Tags that are read here, but not copied to the new file.
_READ_ONLY_TAGS = {_ORIENTATION, *_MAX_SAMPLE_VALUES}
_VALUE_FORMATS = {1: "B", 3: "H", 4: "L", 16: "Q"}
_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
_DEEP = 16
_UNSIGNED, _WHITE_IS_ZERO, _SEPARATE_PLANES = 1, 0, 2
_MAX_PAGES = 10_000
_BIG_TIFF = 43
# Pillow logs an error above this number.
_MAX_SAMPLES = 6


@dataclass(frozen=True, slots=True)
class _Layout:
    """Byte order and field sizes of a classic TIFF or a BigTIFF."""

    order: str
    is_big: bool

    @property
    def entry_bytes(self) -> int:
        return 20 if self.is_big else 12

    @property
    def inline_bytes(self) -> int:
        return 8 if self.is_big else 4

    @property
    def offset_format(self) -> str:
        return self.order + ("Q" if self.is_big else "L")

    @property
    def count_format(self) -> str:
        return self.order + ("Q" if self.is_big else "H")


@dataclass(frozen=True, slots=True)
class _Page:
    """One directory: its raw pixel tags and their numeric values."""

    entries: Mapping[int, bytes]
    values: Mapping[int, tuple[int, ...]]

    def one(self, tag: int, default: int) -> int:
        return self.values.get(tag, (default,))[0]


def inspect_tiff(encoded: bytes, max_pixels: int) -> Container:
    """Walk through the pages of a TIFF file.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        A file with only the first page's pixels, its size, orientation and number of pages.

    Raises:
        DamagedImageError: A page is damaged, or its pixels lie beyond the end of the file.
        ImageTooLargeError: The declared size is too large.
        UnsupportedFormatError: The compression, the layout or the sample format is not supported;
            samples must be unsigned integers of 1, 2, 4, 8 or 16 bits.
    """
    layout = _Layout("<" if encoded.startswith(b"II") else ">", _BIG_TIFF in encoded[2:4])
    first: _Page | None = None
    n_pages = 0
    visited: set[int] = set()
    try:
        (offset,) = struct.unpack_from(layout.offset_format, encoded, 8 if layout.is_big else 4)
        while offset:
            if offset in visited or n_pages >= _MAX_PAGES:
                raise damaged(_NAME, "its list of pages does not end")
            visited.add(offset)
            page, offset = _read_page(encoded, layout, offset)
            if first is None:
                first = page
                check_size(_NAME, _size_wh(page), max_pixels)
                _check_samples(page, max_pixels)
            _check_extents(page, len(encoded))
            n_pages += 1
    except (struct.error, OverflowError):
        raise cut_off(_NAME, "inside a directory") from None
    if first is None:
        raise damaged(_NAME, "it has no pages")
    orientation = checked_orientation(first.one(_ORIENTATION, 1))
    whites = [max(first.values[tag]) for tag in _MAX_SAMPLE_VALUES if first.values.get(tag)]
    return Container(
        format_name=_NAME,
        size_wh=_size_wh(first),
        pixel_file=_one_page(encoded, layout, first),
        orientation=orientation,
        n_frames=n_pages,
        declared_white=max(whites, default=0) or None,
    )


def _size_wh(page: _Page) -> tuple[int, int]:
    return page.one(_WIDTH, 0), page.one(_HEIGHT, 0)


def _read_page(encoded: bytes, layout: _Layout, offset: int) -> tuple[_Page, int]:
    (n_entries,) = struct.unpack_from(layout.count_format, encoded, offset)
    start = offset + struct.calcsize(layout.count_format)
    end = start + n_entries * layout.entry_bytes
    (following,) = struct.unpack_from(layout.offset_format, encoded, end)
    entries: dict[int, bytes] = {}
    values: dict[int, tuple[int, ...]] = {}
    for position in range(start, end, layout.entry_bytes):
        entry = encoded[position : position + layout.entry_bytes]
        tag, kind = struct.unpack_from(f"{layout.order}HH", entry)
        if tag in entries or tag not in _PIXEL_TAGS | _READ_ONLY_TAGS:
            continue
        numbers = _read_values(encoded, layout, entry)
        if tag in _SINGLE_VALUES and len(numbers) != 1:
            raise damaged(_NAME, f"tag {tag} has {len(numbers)} values of type {kind}, expected 1")
        entries[tag] = entry
        if numbers:
            values[tag] = numbers
    return _Page(entries, values), following


def _read_values(encoded: bytes, layout: _Layout, entry: bytes) -> tuple[int, ...]:
    tag, kind = struct.unpack_from(f"{layout.order}HH", entry)
    (count,) = struct.unpack_from(layout.offset_format, entry, 4)
    n_bytes = count * _VALUE_BYTES.get(kind, 1)
    source, position = entry, layout.entry_bytes - layout.inline_bytes
    if n_bytes > layout.inline_bytes:
        source, position = encoded, struct.unpack_from(layout.offset_format, entry, position)[0]
    if position + n_bytes > len(source):
        raise cut_off(_NAME, f"inside the values of tag {tag}")
    if kind not in _VALUE_FORMATS:
        return ()
    values: tuple[int, ...] = struct.unpack_from(
        f"{layout.order}{count}{_VALUE_FORMATS[kind]}", source, position
    )
    return values


def _check_samples(page: _Page, max_pixels: int) -> None:
    if page.one(_COMPRESSION, 1) not in _COMPRESSIONS:
        raise _unsupported(f"uses the unknown compression {page.one(_COMPRESSION, 1)}")
    bits = set(page.values.get(_BITS, (1,)))
    formats = set(page.values.get(_SAMPLE_FORMAT, (_UNSIGNED,)))
    n_samples = page.one(_SAMPLES, 1)
    if not 1 <= n_samples <= _MAX_SAMPLES:
        raise _unsupported(f"has {n_samples} samples per pixel; allowed: 1 to {_MAX_SAMPLES}")
    if not bits <= {1, 2, 4, 8, _DEEP} or formats != {_UNSIGNED}:
        raise _unsupported(
            f"has samples of {sorted(bits)} bits in sample format {sorted(formats)}; allowed: "
            "unsigned integers (format 1) of 1, 2, 4, 8 or 16 bits, because other samples have no "
            "defined white level"
        )
    # Pillow silently misreads both.
    if _DEEP in bits and page.one(_PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
        raise _unsupported("has 16-bit grey values with white as zero")
    if _DEEP in bits and page.one(_PLANAR, 1) == _SEPARATE_PLANES:
        raise _unsupported("has 16-bit colours in separate planes")
    if page.one(_TILE_WIDTH, 1) * page.one(_TILE_HEIGHT, 1) > max_pixels:
        raise _unsupported(f"has tiles of more than max_pixels = {max_pixels:,} pixels")


def _check_extents(page: _Page, n_file_bytes: int) -> None:
    width, height = _size_wh(page)
    if _TILE_OFFSETS in page.values:
        offsets, lengths = page.values[_TILE_OFFSETS], page.values.get(_TILE_BYTES, ())
        across = _ceil_div(width, page.one(_TILE_WIDTH, 0))
        n_needed = across * _ceil_div(height, page.one(_TILE_HEIGHT, 0))
    else:
        offsets, lengths = page.values.get(_STRIP_OFFSETS, ()), page.values.get(_STRIP_BYTES, ())
        n_needed = _ceil_div(height, page.one(_ROWS_PER_STRIP, height))
    if page.one(_PLANAR, 1) == _SEPARATE_PLANES:
        n_needed *= page.one(_SAMPLES, 1)
    if not offsets or len(offsets) < n_needed:
        raise damaged(_NAME, f"it has {len(offsets)} of {n_needed} strips or tiles")
    # The byte counts may be missing; the decoder then detects a file that ends early.
    extents: Iterable[tuple[int, int]] = (
        zip(offsets, lengths, strict=True)
        if len(lengths) == len(offsets)
        else ((offset, 1) for offset in offsets)
    )
    if any(offset + length > n_file_bytes for offset, length in extents):
        raise cut_off(_NAME, "inside a strip or tile")


def _ceil_div(value: int, step: int) -> int:
    if step < 1:
        raise damaged(_NAME, f"its strips or tiles have a side of {step} px")
    return -(-value // step)


def _unsupported(fact: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(f"the TIFF file {fact}. Save the image as an 8-bit PNG.")


def _one_page(encoded: bytes, layout: _Layout, page: _Page) -> bytes:
    """Append a new directory to the file: one page, pixel tags, no orientation."""
    entries = [entry for tag, entry in sorted(page.entries.items()) if tag in _PIXEL_TAGS]
    padding = b"\0" * (-len(encoded) % 8)
    start = struct.pack(layout.offset_format, len(encoded) + len(padding))
    header = encoded[:8] + start if layout.is_big else encoded[:4] + start
    directory = [
        struct.pack(layout.count_format, len(entries)),
        *entries,
        struct.pack(layout.offset_format, 0),
    ]
    return b"".join([header, encoded[len(header) :], padding, *directory])
