import numpy as np
import pytest

from emolens.core.errors import DamagedImageError, ImageTooLargeError
from emolens.imaging.decode import decode_image
from emolens.imaging.pnm import inspect_pnm

GRAY = np.array([[0, 255, 7], [100, 1, 254]], np.uint8)


def gray_of(encoded: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = decode_image(encoded).image
    assert (image[..., 0] == image[..., 1]).all()
    return image[..., 0]


@pytest.mark.parametrize(
    "encoded",
    [
        b"P5 3 2 255\n" + GRAY.tobytes(),
        b"P5\n# a warning\n3 # another\n2\n255\n" + GRAY.tobytes(),
        b"P5\r\n3 2\r255\n" + GRAY.tobytes(),
        b"P2 3 2 255\n0 255 7\n# a warning\n100 1 254\n",
        b"P5 3 2 65535\n" + (GRAY.astype(">u2") * 257).tobytes(),
    ],
)
def test_all_spellings_of_grey_give_the_same_pixels(encoded: bytes) -> None:
    assert (gray_of(encoded) == GRAY).all()


@pytest.mark.parametrize("white", [1, 15, 100, 1023, 4095, 65535])
def test_the_largest_value_is_white(white: int) -> None:
    stored = np.array([[0, white // 2, white]], np.uint8 if white < 256 else ">u2")
    expected = [0, round(white // 2 * 255 / white), 255]
    assert gray_of(b"P5 3 1 %d\n" % white + stored.tobytes()).tolist() == [expected]


@pytest.mark.parametrize(
    "encoded", [b"P4 3 2\n\xa0\x40", b"P1 3 2\n101\n010\n", b"P1 3 2 1 0 1 0 1 0"]
)
def test_a_bit_that_is_set_is_black(encoded: bytes) -> None:
    assert gray_of(encoded).tolist() == [[0, 255, 0], [255, 0, 255]]


@pytest.mark.parametrize("encoded", [b"P6 2 1 255\n\1\2\3\4\5\6", b"P3 2 1 255\n1 2 3 4 5 6"])
def test_colours_are_red_green_blue(encoded: bytes) -> None:
    assert decode_image(encoded).image.tolist() == [[[3, 2, 1], [6, 5, 4]]]


def test_further_images_are_told() -> None:
    assert decode_image(b"P5 1 1 255\n\1P5 1 1 255\n\2").warnings == (
        "only the first of several images is used",
    )
    assert decode_image(b"P5 1 1 255\n\1\n").warnings == ()


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (b"P5 3 2 255\n" + bytes(5), "ends 1 bytes early"),
        (b"P5 3 2 256\n" + bytes(11), "ends 1 bytes early"),
        (b"P4 9 2\n" + bytes(3), "ends 1 bytes early"),
        (b"P2 3 2 255\n1 2 3", "ends 3 values early"),
        (b"P1 3 2\n10", "ends 4 values early"),
        (b"P2 1 1 255\nx", "characters other than digits"),
        (b"P5 0 2 255\n", "size of 0 x 2"),
        (b"P5 3 2 0\n" + bytes(6), "white level is not in 1 to 65535"),
        (b"P5 3 2 70000\n" + bytes(12), "white level is not in 1 to 65535"),
        (b"P5 99999999999 2 255\n", "no width and height"),
    ],
)
def test_files_that_break_the_format_are_damaged(encoded: bytes, message: str) -> None:
    with pytest.raises(DamagedImageError, match=message):
        inspect_pnm(encoded, 1000)


@pytest.mark.parametrize("kind", range(1, 7))
def test_a_huge_size_is_refused_before_values_are_read(kind: int) -> None:
    with pytest.raises(ImageTooLargeError):
        inspect_pnm(b"P%d 50000 50000 255\n1 2" % kind, 100_000_000)
