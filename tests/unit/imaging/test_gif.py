import struct

import numpy as np
import pytest

from emolens.core.errors import DamagedImageError, ImageTooLargeError
from emolens.imaging.decode import decode_image
from emolens.imaging.gif import inspect_gif
from tests.unit.imaging.images import draw, encode, pillow

FILE = encode(pillow(draw()).convert("L"), "GIF")
FRAME = b"," + struct.pack("<HHHH", 0, 0, 56, 40)


def with_canvas(file: bytes, width: int, height: int) -> bytes:
    return file[:6] + struct.pack("<HH", width, height) + file[10:]


@pytest.mark.parametrize("canvas", [(0, 0), (10, 10), (56, 1)])
def test_a_frame_beyond_its_canvas_is_shown_whole(canvas: tuple[int, int]) -> None:
    image = decode_image(with_canvas(FILE, *canvas)).image
    assert (image == decode_image(FILE).image).all()


def test_a_frame_beyond_the_limit_is_refused() -> None:
    frame = FILE.index(FRAME)
    huge = FILE[: frame + 1] + struct.pack("<HHHH", 60_000, 60_000, 56, 40) + FILE[frame + 9 :]
    with pytest.raises(ImageTooLargeError):
        decode_image(huge)


def test_only_the_first_frame_is_handed_on() -> None:
    others = [pillow(draw()[::-1]).convert("L")]
    animated = encode(pillow(draw()).convert("L"), "GIF", save_all=True, append_images=others)
    container = inspect_gif(animated, 10_000)
    assert container.n_frames == 2
    assert len(container.pixel_file) < len(animated)
    assert (decode_image(animated).image == decode_image(FILE).image).all()


def test_codes_that_end_early_are_noticed() -> None:
    data = FILE.index(FRAME) + 11
    short = FILE[: data + 1] + FILE[data + 1 :][:20]
    short = short[:data] + b"\x14" + short[data + 1 :] + b"\0;"
    with pytest.raises(DamagedImageError):
        decode_image(short)


def test_zeros_between_blocks_are_skipped_and_others_refused() -> None:
    assert (decode_image(FILE[:-1] + b"\0\0;").image == decode_image(FILE).image).all()
    with pytest.raises(DamagedImageError, match="unknown byte b'x'"):
        decode_image(FILE[:-1] + b"x;")


def test_a_file_without_frames_is_refused() -> None:
    with pytest.raises(DamagedImageError, match="has no frames"):
        decode_image(b"GIF89a" + bytes([4, 0, 4, 0, 0, 0, 0]) + b";")


def test_grey_values_are_exact() -> None:
    assert (decode_image(FILE).image[..., 0] == np.asarray(pillow(draw()).convert("L"))).all()
