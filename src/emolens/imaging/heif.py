"""HEIF files (HEIC from phones, AVIF): locate the main image, its tiles and its orientation.

Rotation, mirroring and cropping are read here and applied once, in `emolens.imaging.decode`. The
decoders do not apply them. The EXIF orientation is ignored, as the standard requires, because
programs that rotate an image may leave the camera's value there.

Source: ISO/IEC 23008-12 (HEIF), sections 6.5 (properties) and 6.6 (grids); ISO/IEC 23000-22
(MIAF), section 7.3.6.7 (cropping comes before rotation).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from emolens.core.errors import UnsupportedFormatError
from emolens.imaging.boxes import Fields, boxes
from emolens.imaging.container import Container, check_size, cut_off, damaged
from emolens.imaging.exif import turn_upright
from emolens.imaging.heif_items import Items, read_items

_NAME = "HEIF"
_FORMATS = {b"hvc1": "HEIC", b"av01": "AVIF"}
# The property with the decoder configuration of each coding.
_CONFIGURATIONS = {b"hvc1": b"hvcC", b"av01": b"av1C"}
_IMAGES = {*_FORMATS, b"grid", b"iden", b"iovl", b"jpeg", b"avc1", b"vvc1", b"unci"}
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
# The EXIF orientations that undo 0 to 3 quarter turns to the left, and the two mirrors.
_TURNS = (1, 8, 3, 6)
_MIRRORS = (4, 2)
# Tiles may share bytes, but a file in which all of them do is a decompression bomb.
_MAX_SHARING = 4


@dataclass(frozen=True, slots=True, eq=False)
class TiledImage:
    """A coded image of one or more tiles of the same size.

    Attributes:
        coding: `b"hvc1"` or `b"av01"`.
        configuration: Decoder configuration, needed before the first tile.
        n_columns: Number of tiles in a row.
        tile_wh: (width, height) of a tile in pixels.
        size_wh: (width, height) of the image; tiles may extend beyond it.
        colours: Colour matrix (ISO/IEC 23091-2) and whether the values use the full range; None if
            the file does not declare them.
    """

    coding: bytes
    configuration: bytes
    n_columns: int
    tile_wh: tuple[int, int]
    size_wh: tuple[int, int]
    colours: tuple[int, bool] | None
    _items: Items
    _parts: tuple[int, ...]

    def tiles(self) -> Iterator[bytes]:
        """Iterate over the coded tiles, row by row."""
        return map(self._items.content_of, self._parts)


def inspect_heif(encoded: bytes, max_pixels: int) -> Container:
    """Walk through a HEIF file and locate its main image.

    Args:
        encoded: The file.
        max_pixels: Largest width x height allowed.

    Returns:
        The file, with the format name HEIC or AVIF according to the coding of the image, its size,
        its visible part, its orientation and warnings.

    Raises:
        DamagedImageError: A box is damaged, or the file ends early.
        ImageTooLargeError: The declared size is too large.
        UnsupportedFormatError: The coding or the composition of the image is not supported.
    """
    items, n_frames = _read(encoded)
    image = _tiled(items, items.primary, max_pixels)
    n_images = sum(kind in _IMAGES for kind in items.standing_alone())
    return Container(
        _FORMATS[image.coding],
        image.size_wh,
        encoded,
        _orientation(items),
        n_frames,
        shown_xyxy=_clean_aperture(items, image.size_wh),
        other_warnings=(f"only the main one of {n_images} images is used",) if n_images > 1 else (),
    )


def coded_images(encoded: bytes) -> tuple[TiledImage, TiledImage | None]:
    """Return the main image of a file that `inspect_heif` accepts, and its alpha image or None.

    Raises:
        DamagedImageError: The alpha image is damaged or has another size.
        UnsupportedFormatError: The coding of the alpha image is not supported.
    """
    items, _ = _read(encoded)
    main = _tiled(items, items.primary)
    for auxiliary in items.alternatives_to(items.primary, b"auxl"):
        kind = items.property_of(auxiliary, b"auxC")
        if kind and kind.rest()[4:].split(b"\0")[0] in _ALPHA:
            alpha = _tiled(items, auxiliary)
            if alpha.size_wh != main.size_wh:
                raise damaged(_NAME, "its alpha image and its main image differ in size")
            return main, alpha
    return main, None


def _read(encoded: bytes) -> tuple[Items, int]:
    """Return the items of a file, and its number of frames if it also holds a sequence."""
    found: dict[bytes, Fields] = {}
    for kind, content in boxes(Fields(encoded, 0, len(encoded), _NAME)):
        found.setdefault(kind, content)
    if b"meta" in found:
        return read_items(found[b"meta"]), _n_frames(found.get(b"moov"))
    if b"moov" in found:
        raise UnsupportedFormatError(
            "the HEIF file holds an image sequence without a still image. Save a frame as JPEG."
        )
    raise cut_off(_NAME, "before its list of images")


def _n_frames(movie: Fields | None) -> int:
    """Return the number of frames of the longest track of a sequence; 1 without a sequence."""
    counts = [1]
    for kind, track in boxes(movie) if movie else ():
        sizes = _descend(track, (b"mdia", b"minf", b"stbl", b"stsz"))
        if kind == b"trak" and sizes:
            sizes.take(8)
            counts.append(sizes.uint(4))
    return max(counts)


def _descend(fields: Fields, path: Sequence[bytes]) -> Fields | None:
    place: Fields | None = fields
    for wanted in path:
        place = place and next((of for kind, of in boxes(place) if kind == wanted), None)
    return place


def _tiled(items: Items, item: int, max_pixels: int | None = None) -> TiledImage:
    size_wh, n_columns, parts = _grid(items, item) or (_size_of(items, item), 1, (item,))
    kinds = {items.kind_of(part) for part in parts}
    coding = kinds.pop()
    if kinds or coding not in _FORMATS:
        raise UnsupportedFormatError(
            f"the HEIF file uses an unsupported image type ({items.kind_of(item)!r} of "
            f"{coding!r}); allowed: HEVC and AV1. Save the image as JPEG or PNG."
        )
    tile_wh = _size_of(items, parts[0])
    if max_pixels is not None:
        check_size(_FORMATS[coding], size_wh, max_pixels)
        check_size(_FORMATS[coding], tile_wh, max_pixels)
    _check_tiles(items, parts, (len(parts) // n_columns, n_columns), size_wh, tile_wh)
    configuration = items.property_of(parts[0], _CONFIGURATIONS[coding])
    if configuration is None:
        raise damaged(_FORMATS[coding], "its decoder configuration is missing")
    colours = _colours(items, item) or _colours(items, parts[0])
    return TiledImage(
        coding, configuration.rest(), n_columns, tile_wh, size_wh, colours, items, parts
    )


def _grid(items: Items, item: int) -> tuple[tuple[int, int], int, tuple[int, ...]] | None:
    """Return the size, columns and tiles of a grid image, or None for other images."""
    if items.kind_of(item) != b"grid":
        return None
    content = items.content_of(item)
    fields = Fields(content, 0, len(content), _NAME)
    fields.uint(1)
    width = 4 if fields.uint(1) & 1 else 2
    n_rows, n_columns = fields.uint(1) + 1, fields.uint(1) + 1
    size_wh = fields.uint(width), fields.uint(width)
    parts = items.parts_of(item)
    if len(parts) != n_rows * n_columns:
        raise damaged(_NAME, f"it has {len(parts)} of {n_rows} x {n_columns} tiles")
    return size_wh, n_columns, parts


def _check_tiles(
    items: Items,
    parts: tuple[int, ...],
    grid: tuple[int, int],
    size_wh: tuple[int, int],
    tile_wh: tuple[int, int],
) -> None:
    """Reject tiles that differ in size, leave a gap, lie outside the image or exceed the file."""
    if any(_size_of(items, part) != tile_wh for part in parts):
        raise damaged(_NAME, "its tiles differ in size")
    for n_tiles, tile_px, size_px in zip(reversed(grid), tile_wh, size_wh, strict=True):
        if not (n_tiles - 1) * tile_px < size_px <= n_tiles * tile_px:
            raise damaged(_NAME, f"{n_tiles} tiles of {tile_px} px do not cover {size_px} px")
    if sum(map(items.length_of, parts)) > _MAX_SHARING * items.n_file_bytes:
        raise damaged(_NAME, "its tiles are larger than the file")


def _size_of(items: Items, item: int) -> tuple[int, int]:
    declared = items.property_of(item, b"ispe")
    if declared is None:
        raise damaged(_NAME, f"the size of image {item} is missing")
    declared.version_and_flags()
    return declared.uint(4), declared.uint(4)


def _orientation(items: Items) -> int:
    """Combine all rotations and mirrors of the main image into one EXIF orientation."""
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    turned = stored
    for kind, content in items.properties_of(items.primary):
        if kind == b"irot" and content:
            turned = turn_upright(turned, _TURNS[content[0] & 3])
        elif kind == b"imir" and content:
            turned = turn_upright(turned, _MIRRORS[content[0] & 1])
    orientations = range(1, 9)
    return next(o for o in orientations if np.array_equal(turn_upright(stored, o), turned))


def _clean_aperture(items: Items, size_wh: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the visible part in whole pixels; None for the whole image or an impossible part.

    Source: ISO/IEC 14496-12, section 12.1.4.
    """
    aperture = items.property_of(items.primary, b"clap")
    if aperture is None:
        return None
    numbers = [(aperture.sint(4), aperture.uint(4)) for _ in ("width", "height", "right", "down")]
    if any(divisor == 0 for _, divisor in numbers):
        return None
    width, height, right, down = (Fraction(*number) for number in numbers)
    x_min = round((size_wh[0] - width) / 2 + right)
    y_min = round((size_wh[1] - height) / 2 + down)
    x_max, y_max = x_min + round(width), y_min + round(height)
    is_inside = 0 <= x_min < x_max <= size_wh[0] and 0 <= y_min < y_max <= size_wh[1]
    return (x_min, y_min, x_max, y_max) if is_inside else None


def _colours(items: Items, item: int) -> tuple[int, bool] | None:
    for kind, content in items.properties_of(item):
        if kind == b"colr" and content.startswith(b"nclx"):
            fields = Fields(content, 4, len(content), _NAME)
            fields.take(4)
            return fields.uint(2), bool(fields.uint(1) & 0x80)
    return None
