import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from emolens.imaging.exif import read_orientation, turn_upright
from tests.unit.imaging.pictures import draw, pillow


def block(value: int, *, order: str = "<", kind: str = "H") -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    kinds = {"B": 1, "H": 3, "L": 4}
    stored = struct.pack(order + kind, value).ljust(4, b"\0")
    entry = struct.pack(f"{order}HHL", 0x0112, kinds[kind], 1) + stored
    return head + struct.pack(f"{order}LH", 8, 1) + entry + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["B", "H", "L"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_the_orientation_is_read(order: str, kind: str, prefix: bytes) -> None:
    assert read_orientation(prefix + block(6, order=order, kind=kind)) == 6


@pytest.mark.parametrize("exif", [b"", b"II*\0", b"nonsense", block(0), block(9), block(7)[:15]])
def test_a_broken_block_means_upright(exif: bytes) -> None:
    assert read_orientation(exif) == 1


@given(st.binary(max_size=60))
def test_any_bytes_give_an_orientation(tail: bytes) -> None:
    assert read_orientation(b"II*\0" + tail) in range(1, 9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_agrees_with_pillow(orientation: int) -> None:
    stored = pillow(draw())
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.info["exif"] = exif.tobytes()
    expected = np.asarray(ImageOps.exif_transpose(stored))
    assert (turn_upright(draw(), orientation)[..., ::-1] == expected).all()
