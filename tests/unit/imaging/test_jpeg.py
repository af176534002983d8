import numpy as np
import pytest

from emolens.core.errors import DamagedImageError, UnsupportedFormatError
from emolens.imaging.decode import decode_image
from emolens.imaging.jpeg import inspect_jpeg
from tests.unit.imaging.images import draw, encode, pillow

EOI = b"\xff\xd9"


def test_metadata_is_left_out_of_the_pixels() -> None:
    file = encode(pillow(draw()), "JPEG", comment=b"a note", icc_profile=b"not a profile")
    container = inspect_jpeg(file, 10_000)
    assert container.size_wh == (56, 40)
    assert b"a note" not in container.pixel_file
    assert b"not a profile" not in container.pixel_file
    assert (decode_image(file).image == decode_image(encode(pillow(draw()), "JPEG")).image).all()


def test_a_thumbnail_inside_does_not_end_the_image() -> None:
    file = encode(pillow(draw()), "JPEG")
    thumbnail = b"Exif\0\0" + file
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = file[:2] + segment + file[2:]
    assert (decode_image(whole).image == decode_image(file).image).all()
    with pytest.raises(DamagedImageError, match="it ends inside a segment|it ends before"):
        decode_image(whole[:-10])


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97])
def test_a_cut_with_an_end_marker_glued_on_is_noticed(mode: str, share: float) -> None:
    file = encode(pillow(draw(96, 96)).convert(mode), "JPEG", quality=90)
    start = file.rindex(b"\xff\xda")
    cut = start + 14 + int((len(file) - start - 14) * share)
    with pytest.raises(DamagedImageError):
        decode_image(file[:cut] + EOI)


@pytest.mark.parametrize("n_scans", [1, 2, 5])
def test_a_progressive_image_cut_between_scans_is_noticed(n_scans: int) -> None:
    file = encode(pillow(draw(96, 96)), "JPEG", progressive=True)
    end = 0
    for _ in range(n_scans + 1):
        end = file.index(b"\xff\xda", end + 1)
    with pytest.raises(DamagedImageError, match="end-of-image marker"):
        decode_image(file[:end])


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_grey_last_corner_is_no_damage(mode: str, progressive: bool) -> None:
    image = draw()
    image[20:, 20:] = 128
    file = encode(pillow(image).convert(mode), "JPEG", progressive=progressive)
    assert np.abs(decode_image(file).image[-1, -1].astype(int) - 128).max() <= 2


def test_endless_scans_are_refused() -> None:
    file = encode(pillow(draw()), "JPEG")
    scan = file.index(b"\xff\xda")
    header = file[scan : scan + 2 + int.from_bytes(file[scan + 2 : scan + 4], "big")]
    with pytest.raises(DamagedImageError, match="more than 100 scans"):
        decode_image(file[:scan] + header * 101 + file[scan:])


def test_a_file_of_markers_alone_holds_no_image() -> None:
    with pytest.raises(DamagedImageError, match="has no image"):
        decode_image(b"\xff\xd8\xff\xe0\0\4ab" + EOI)
    with pytest.raises(DamagedImageError, match="length of 1"):
        decode_image(b"\xff\xd8\xff\xe0\0\1ab" + EOI)


def test_12_bit_samples_are_a_rare_kind() -> None:
    file = encode(pillow(draw()), "JPEG")
    start = file.index(b"\xff\xc0") + 4
    with pytest.raises(UnsupportedFormatError, match="12-bit"):
        decode_image(file[:start] + b"\x0c" + file[start + 1 :])
