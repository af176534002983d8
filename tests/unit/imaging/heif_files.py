"""HEIF files made for tests: our own boxes around what x265 codes, with each part at hand."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import cv2  # noqa: F401  (before av, see emolens.imaging.pyav)

# isort: split
import av
import numpy as np

from tests.unit.imaging.images import Pixels

ALPHA = b"urn:mpeg:hevc:2015:auxid:1\0"
# As FFmpeg numbers them.
_BT601, _FULL_RANGE = 5, 2


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">L4s", 8 + len(body), kind) + body


def full_box(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">L", version << 24 | flags), *content)


def ispe(width: int, height: int) -> bytes:
    return full_box(b"ispe", struct.pack(">LL", width, height))


def irot(n_quarters: int) -> bytes:
    return box(b"irot", bytes([n_quarters]))


def imir(axis: int) -> bytes:
    return box(b"imir", bytes([axis]))


def clap(width: int, height: int, right_halves: int = 0, down_halves: int = 0) -> bytes:
    """A crop to a size, its middle so many half pixels from the middle of the image."""
    numbers = (width, 1, height, 1, right_halves, 2, down_halves, 2)
    return box(b"clap", struct.pack(">LLLLlLlL", *numbers))


def nclx(matrix: int, *, is_full: bool) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, matrix, is_full << 7))


def auxc(urn: bytes) -> bytes:
    return full_box(b"auxC", urn)


class HeifFile:
    """Collects items and writes them as one file.

    Items are numbered from 1; the first is the main image unless `primary` says otherwise.
    """

    def __init__(self, brand: bytes = b"heic", primary: int = 1) -> None:
        self.brands = [brand, b"mif1"]
        self.primary = primary
        self.items: list[tuple[bytes, bytes, int]] = []
        self.properties: list[bytes] = []
        self.owned: list[list[int]] = []
        self.references: list[tuple[bytes, int, Sequence[int]]] = []

    def add(self, kind: bytes, content: bytes, *properties: bytes, is_hidden: bool = False) -> int:
        self.items.append((kind, content, is_hidden))
        self.owned.append([])
        for one in properties:
            if one not in self.properties:
                self.properties.append(one)
            self.owned[-1].append(self.properties.index(one) + 1)
        return len(self.items)

    def refer(self, kind: bytes, start: int, to: Sequence[int]) -> None:
        self.references.append((kind, start, to))

    def meta(self, data_at: int) -> bytes:
        entries, places, owned = b"", b"", b""
        for number, (kind, content, is_hidden) in enumerate(self.items, start=1):
            entries += full_box(
                b"infe", struct.pack(">HH4sx", number, 0, kind), version=2, flags=is_hidden
            )
            places += struct.pack(">HHHLL", number, 0, 1, data_at, len(content))
            data_at += len(content)
            marks = self.owned[number - 1]
            owned += struct.pack(">HB", number, len(marks)) + bytes(marks)
        n_items = struct.pack(">H", len(self.items))
        references = b"".join(
            box(kind, struct.pack(f">HH{len(to)}H", start, len(to), *to))
            for kind, start, to in self.references
        )
        return full_box(
            b"meta",
            full_box(b"hdlr", bytes(4) + b"pict" + bytes(13)),
            full_box(b"pitm", struct.pack(">H", self.primary)),
            full_box(b"iloc", b"\x44\0", n_items, places),
            full_box(b"iinf", n_items, entries),
            box(
                b"iprp",
                box(b"ipco", *self.properties),
                full_box(b"ipma", struct.pack(">L", len(self.items)), owned),
            ),
            full_box(b"iref", references) if references else b"",
        )

    def encoded(self) -> bytes:
        start = box(b"ftyp", self.brands[0], bytes(4), *self.brands)
        data_at = len(start) + len(self.meta(0)) + 8
        data = box(b"mdat", *(content for _, content, _ in self.items))
        return start + self.meta(data_at) + data


def grid(n_rows: int, n_columns: int, width: int, height: int) -> bytes:
    """The content of an item that is put together from tiles."""
    return struct.pack(">BBBBHH", 0, 0, n_rows - 1, n_columns - 1, width, height)


def coded(bgr: Pixels, pixel_format: str = "yuv444p") -> tuple[bytes, bytes]:
    """What x265 makes of uint8 (H, W, 3) BGR, full range: the `hvcC` box and the image."""
    return _coded(bgr.tobytes(), bgr.shape[:2], pixel_format)


@cache
def _coded(pixels: bytes, size: tuple[int, int], pixel_format: str) -> tuple[bytes, bytes]:
    height, width = size
    bgr = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    encoder = av.CodecContext.create("libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixel_format
    encoder.framerate = Fraction(1)
    encoder.options = {
        "preset": "ultrafast",
        "x265-params": "crf=1:keyint=1:log-level=none:pools=1:range=full:colormatrix=smpte170m",
    }
    frame = av.VideoFrame.from_ndarray(bgr, "bgr24").reformat(
        format=pixel_format, dst_colorspace=_BT601, dst_color_range=_FULL_RANGE
    )
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    units = [unit for packet in packets for unit in _units(bytes(packet))]
    kinds = [unit[0] >> 1 & 63 for unit in units]
    settings = [unit for unit, kind in zip(units, kinds, strict=True) if kind in (32, 33, 34)]
    arrays = b"".join(
        struct.pack(">BHH", 0x80 | unit[0] >> 1 & 63, 1, len(unit)) + unit for unit in settings
    )
    profile = next(unit for unit in settings if unit[0] >> 1 & 63 == 33)[3:15]
    chroma, more_bits = (
        0xFC | (3 if "444" in pixel_format else 1),
        0xF8 | 2 * ("10" in pixel_format),
    )
    head = struct.pack(
        ">B12sHBBBBHB", 1, profile, 0xF000, 0xFC, chroma, more_bits, more_bits, 0, 0x0F
    )
    tiles = [unit for unit, kind in zip(units, kinds, strict=True) if kind < 32]
    content = b"".join(struct.pack(">L", len(unit)) + unit for unit in tiles)
    return box(b"hvcC", head, bytes([len(settings)]), arrays), content


def _units(stream: bytes) -> list[bytes]:
    parts = stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part for part in parts if part]


def heic(bgr: Pixels, *properties: bytes, pixel_format: str = "yuv444p") -> bytes:
    """A plain HEIC file of uint8 (H, W, 3) BGR with more properties."""
    configuration, content = coded(bgr, pixel_format)
    file = HeifFile()
    file.add(b"hvc1", content, ispe(bgr.shape[1], bgr.shape[0]), configuration, *properties)
    return file.encoded()


def tiled_heic(bgr: Pixels, tile_px: int, *properties: bytes) -> bytes:
    """A HEIC file put together from square tiles, as phones write it."""
    height, width = bgr.shape[:2]
    n_rows, n_columns = -(-height // tile_px), -(-width // tile_px)
    more = ((0, n_rows * tile_px - height), (0, n_columns * tile_px - width), (0, 0))
    canvas = np.pad(bgr, more, "edge")
    file = HeifFile()
    file.add(b"grid", grid(n_rows, n_columns, width, height), ispe(width, height), *properties)
    numbers = []
    for row in range(n_rows):
        for column in range(n_columns):
            y, x = row * tile_px, column * tile_px
            tile = np.ascontiguousarray(canvas[y : y + tile_px, x : x + tile_px])
            configuration, content = coded(tile)
            size = ispe(tile_px, tile_px)
            numbers.append(file.add(b"hvc1", content, size, configuration, is_hidden=True))
    file.refer(b"dimg", 1, numbers)
    return file.encoded()


def heic_with_alpha(bgr: Pixels, alpha: Pixels) -> bytes:
    """A HEIC file with transparency, uint8 (H, W)."""
    size = ispe(bgr.shape[1], bgr.shape[0])
    file = HeifFile()
    configuration, content = coded(bgr)
    file.add(b"hvc1", content, size, configuration)
    configuration, content = coded(np.dstack([alpha] * 3))
    file.add(b"hvc1", content, size, configuration, auxc(ALPHA), is_hidden=True)
    file.refer(b"auxl", 2, [1])
    return file.encoded()
