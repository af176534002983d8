import struct

import pytest

from emolens.core.errors import DamagedImageError
from emolens.imaging.boxes import Fields, boxes
from tests.unit.imaging.heif_files import box


def part(source: bytes) -> Fields:
    return Fields(source, 0, len(source), "HEIF")


def found(source: bytes) -> list[tuple[bytes, bytes]]:
    return [(kind, content.rest()) for kind, content in boxes(part(source))]


def test_boxes_come_one_after_the_other() -> None:
    assert found(box(b"abcd", b"xy") + box(b"efgh")) == [(b"abcd", b"xy"), (b"efgh", b"")]


def test_a_size_may_have_64_bits_or_mean_the_rest() -> None:
    assert found(struct.pack(">L4sQ", 1, b"wide", 18) + b"xy") == [(b"wide", b"xy")]
    assert found(struct.pack(">L4s", 0, b"last") + b"xyz") == [(b"last", b"xyz")]


@pytest.mark.parametrize("size", [10, 1 << 31])
def test_a_box_beyond_its_part_is_a_file_that_ends_early(size: int) -> None:
    with pytest.raises(DamagedImageError, match=r"it ends inside the box b'mdat'"):
        found(box(b"ftyp") + struct.pack(">L4s", size, b"mdat") + b"x")


@pytest.mark.parametrize(
    "end", [bytes(100), b"\xff" * 100, struct.pack(">L4s", 5, b"abcd"), b"abc"]
)
def test_bytes_that_are_no_box_end_the_list(end: bytes) -> None:
    assert found(box(b"abcd", b"xy") + end) == [(b"abcd", b"xy")]


def test_numbers_are_read_up_to_the_end_and_no_further() -> None:
    fields = part(b"\1\0\0\2\xff\xfe\7")
    assert fields.version_and_flags() == (1, 2)
    assert fields.sint(2) == -2
    with pytest.raises(DamagedImageError, match="beyond its box"):
        fields.uint(2)
    assert fields.rest() == b"\7"
    assert fields.uint(0) == 0
