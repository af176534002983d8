import struct
import time

import pytest

from emolens.core.errors import DamagedImageError, UnsupportedFormatError
from emolens.imaging.boxes import Fields
from emolens.imaging.heif_items import Items, read_items
from tests.unit.imaging.heif_files import box, full_box


def items_of(places: bytes, *more: bytes, tail: bytes = b"") -> Items:
    entry = full_box(b"infe", struct.pack(">HH4sx", 1, 0, b"hvc1"), version=2)
    meta = full_box(
        b"meta",
        full_box(b"pitm", b"\0\1"),
        places,
        full_box(b"iinf", b"\0\1", entry),
        box(b"iprp", box(b"ipco"), full_box(b"ipma", bytes(4))),
        *more,
    )
    return read_items(Fields(meta + tail, 8, len(meta), "HEIF"))


def test_the_bytes_of_an_item_may_stand_in_several_places() -> None:
    places = full_box(b"iloc", b"\x44\0\0\1", struct.pack(">HHHLLLL", 1, 0, 2, 4, 4, 12, 4))
    items = items_of(places)
    # The four letters of the box, and where a box's four letters stand 8 bytes behind its version.
    assert items.content_of(1) == b"meta" + items.content_of(1)[4:]
    assert items.length_of(1) == 8


def test_an_offset_may_have_a_base_and_count_from_a_data_box() -> None:
    places = full_box(b"iloc", struct.pack(">HHHHHLHLL", 0x4440, 1, 1, 1, 0, 2, 1, 1, 3), version=1)
    assert items_of(places, box(b"idat", b"abcdefgh")).content_of(1) == b"def"


def test_pieces_of_other_items_are_not_read() -> None:
    places = full_box(b"iloc", struct.pack(">HHHHHHLL", 0x4400, 1, 1, 2, 0, 1, 0, 3), version=1)
    with pytest.raises(UnsupportedFormatError, match="parts of other items"):
        items_of(places).content_of(1)


def test_an_item_beyond_the_file_is_a_file_that_ends_early() -> None:
    places = full_box(b"iloc", b"\x44\0\0\1", struct.pack(">HHHLL", 1, 0, 1, 20, 10_000))
    with pytest.raises(DamagedImageError, match="it ends inside image 1"):
        items_of(places).length_of(1)


def test_an_item_that_repeats_the_file_is_refused_before_it_is_built() -> None:
    extents = struct.pack(">LL", 0, 600) * 5000
    places = full_box(b"iloc", b"\x44\0\0\1", struct.pack(">HHH", 1, 0, 5000), extents)
    with pytest.raises(DamagedImageError, match="larger than the file"):
        items_of(places).content_of(1)


def test_places_without_a_byte_each_are_refused_at_once() -> None:
    places = full_box(b"iloc", b"\0\0\xff\xff", struct.pack(">HHH", 1, 0, 65_535) * 65_535)
    began_s = time.monotonic()
    with pytest.raises(DamagedImageError, match="without a location"):
        items_of(places)
    assert time.monotonic() - began_s < 5


def test_missing_boxes_and_items_are_told() -> None:
    with pytest.raises(DamagedImageError, match="b'iloc' is missing"):
        items_of(b"")
    items = items_of(full_box(b"iloc", b"\x44\0\0\0"))
    with pytest.raises(DamagedImageError, match="image 7 is missing"):
        items.kind_of(7)
    with pytest.raises(DamagedImageError, match="location of image 1 is missing"):
        items.content_of(1)
