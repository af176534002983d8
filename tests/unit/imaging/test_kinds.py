import io
import struct

import pytest
from PIL import Image

from emolens.imaging import kinds
from emolens.imaging.kinds import (
    FileKind,
    is_surely_image,
    kind_by_content,
    kind_by_name,
    kind_of,
)
from tests.unit.imaging.heif_files import box
from tests.unit.imaging.images import draw, encode, pillow, sample_files

READABLE_STARTS = {name: encoded[: kinds.HEAD_BYTES] for name, encoded in sample_files().items()}
OTHERS = {
    "video": [
        box(b"ftyp", b"isom", bytes(4), b"isomiso2avc1mp41"),
        box(b"ftyp", b"qt  ", bytes(4), b"qt  "),
        box(b"wide") + box(b"mdat", bytes(8)),
        b"\x1aE\xdf\xa3" + bytes(20),
        b"RIFF\0\0\0\0AVI LIST",
        (b"\x47" + bytes(187)) * 4,
    ],
    "camera raw": [
        box(b"ftyp", b"crx ", bytes(4), b"crx isom"),
        b"II*\0\x10\0\0\0CR\2\0" + bytes(40),
        b"FUJIFILMCCD-RAW 0201",
        b"IIU\0\x18\0\0\0",
        b"IIRO\x08\0\0\0",
        # A DNG says its version; a NEF or ARW begins with a preview beside the raw image.
        b"II*\0" + struct.pack("<LH", 8, 1) + struct.pack("<HHLL", 50706, 1, 4, 1) + bytes(4),
        b"MM\0*"
        + struct.pack(">LH", 8, 2)
        + struct.pack(">HHLLHHLL", 254, 4, 1, 1, 330, 4, 1, 99)
        + bytes(4),
    ],
    "JPEG 2000": [b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51\0"],
    "JPEG XL": [b"\xff\x0a\x10", b"\0\0\0\x0cJXL \r\n\x87\n"],
    "Photoshop": [b"8BPS\0\1"],
    "SVG": [b"<svg/>", b'\xef\xbb\xbf\n<?xml version="1.0"?>\n<!-- x --><svg width="3">'],
    "PDF": [b"%PDF-1.7"],
    "icon": [b"\0\0\1\0\2\0", b"icns\0"],
    "DICOM": [bytes(128) + b"DICM"],
}


@pytest.mark.parametrize("name", READABLE_STARTS)
def test_what_is_read_is_recognised_by_its_first_bytes(name: str) -> None:
    kind = kind_by_content(READABLE_STARTS[name])
    assert kind in kinds.READABLE
    assert kind is not None
    wanted = name.split(maxsplit=1)[0]
    assert kind.name.lower() == ("pnm" if wanted in {"pbm", "pgm", "ppm"} else wanted)
    assert is_surely_image(READABLE_STARTS[name])


@pytest.mark.parametrize(
    ("name", "head"), [(name, head) for name in OTHERS for head in OTHERS[name]]
)
def test_what_is_known_but_not_read_is_recognised_by_its_first_bytes(
    name: str, head: bytes
) -> None:
    kind = kind_by_content(head)
    assert kind is not None
    assert kind.name == name
    assert kind.advice
    assert not is_surely_image(head)


@pytest.mark.parametrize(
    "head", [b"", b"a", b"only text", b"<!DOCTYPE html><svg>", b"PK\3\4", bytes(500)]
)
def test_other_bytes_are_of_no_kind(head: bytes) -> None:
    assert kind_by_content(head) is None


@pytest.mark.parametrize("text", [b"BMW, blue\n", b"P5 is the fifth paragraph\n", b"P1\n# list\n"])
def test_a_text_that_begins_like_an_image_is_surely_none(text: bytes) -> None:
    assert not is_surely_image(text)


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        ((b"heic", b"mif1"), "HEIC"),
        ((b"mif1", b"heic"), "HEIC"),
        ((b"msf1", b"hevc"), "HEIC"),
        ((b"mif1", b"avif", b"miaf"), "AVIF"),
        ((b"avis", b"msf1", b"miaf"), "AVIF"),
        ((b"mif1",), "HEIC"),
    ],
)
def test_brands_anywhere_in_their_list_count(brands: tuple[bytes, ...], name: str) -> None:
    kind = kind_by_content(box(b"ftyp", brands[0], bytes(4), *brands))
    assert kind is not None
    assert kind.name == name


def test_a_name_in_upper_case_or_with_folders_counts_too() -> None:
    assert kind_by_name("IMG_1.HEIC") is kinds.HEIC
    assert kind_by_name("a.b/c.d.JFIF") is kinds.JPEG
    assert kind_by_name("a.jpg/readme") is None
    assert kind_by_name(".jpg") is None
    assert kind_by_name("") is None


def test_no_suffix_stands_for_two_kinds() -> None:
    every: tuple[FileKind, ...] = (*kinds.READABLE, *kinds.UNREADABLE)
    suffixes = [suffix for kind in every for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in suffixes)


def test_the_first_bytes_win_over_the_name() -> None:
    jpeg = encode(pillow(draw()), "JPEG")
    assert kind_of(jpeg, "a.psd") is kinds.JPEG
    assert kind_of(b"%PDF-1.7", "a.jpg") is kinds.PDF
    assert kind_of(b"unknown", "a.mov") is kinds.VIDEO
    assert kind_of(b"unknown", "a.jpg") is None


def test_a_tiff_with_a_raw_files_name_is_raw() -> None:
    tiff = encode(pillow(draw()), "TIFF")
    assert kind_of(tiff, "a.tif") is kinds.TIFF
    assert kind_of(tiff, "a.NEF") is kinds.RAW


def test_pages_of_reduced_size_alone_make_no_raw_file() -> None:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "TIFF", tiffinfo={254: 1})
    assert kind_by_content(buffer.getvalue()) is kinds.TIFF
