import numpy as np
import pytest

from emolens.core.errors import DamagedImageError, ImageTooLargeError, UnsupportedFormatError
from emolens.imaging.decode import decode_image
from emolens.imaging.exif import turn_upright
from emolens.imaging.heif import coded_images, inspect_heif
from tests.unit.imaging.heif_files import (
    HeifFile,
    box,
    clap,
    coded,
    full_box,
    grid,
    heic,
    imir,
    irot,
    ispe,
    tiled_heic,
)
from tests.unit.imaging.images import Pixels, draw, encode, pillow

MAX_PIXELS = 10_000
IMAGE = draw(48, 64)


def turned_left(image: Pixels, n_quarters: int) -> Pixels:
    return np.rot90(image, n_quarters)


@pytest.mark.parametrize("n_quarters", range(4))
def test_turns_are_to_the_left(n_quarters: int) -> None:
    decoded = decode_image(heic(IMAGE, irot(n_quarters))).image
    expected = turned_left(IMAGE, n_quarters)
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).mean() < 2


@pytest.mark.parametrize(("axis", "flip"), [(0, np.flipud), (1, np.fliplr)])
def test_mirrors_exchange_top_and_bottom_or_left_and_right(axis: int, flip: object) -> None:
    decoded = decode_image(heic(IMAGE, imir(axis))).image
    expected = IMAGE[::-1] if flip is np.flipud else IMAGE[:, ::-1]
    assert np.abs(decoded.astype(int) - expected).mean() < 2


@pytest.mark.parametrize("n_quarters", range(4))
@pytest.mark.parametrize("axis", range(2))
@pytest.mark.parametrize("turns_first", [True, False])
def test_turns_and_mirrors_come_in_the_order_of_the_file(
    n_quarters: int, axis: int, turns_first: bool
) -> None:
    steps = [irot(n_quarters), imir(axis)]
    container = inspect_heif(heic(IMAGE, *(steps if turns_first else steps[::-1])), MAX_PIXELS)
    expected: Pixels = IMAGE
    for is_turn in (turns_first, not turns_first):
        if is_turn:
            expected = turned_left(expected, n_quarters)
        else:
            expected = expected[:, ::-1] if axis else expected[::-1]
    assert (turn_upright(IMAGE, container.orientation) == expected).all()


def test_turns_that_undo_each_other_leave_the_image_as_it_is() -> None:
    container = inspect_heif(heic(IMAGE, irot(1), irot(3)), MAX_PIXELS)
    assert container.orientation == 1


def test_exif_does_not_turn_an_image_again() -> None:
    configuration, content = coded(IMAGE)
    file = HeifFile()
    file.add(b"hvc1", content, ispe(64, 48), configuration, irot(3))
    exif = pillow(IMAGE).getexif()
    exif[0x0112] = 6
    file.add(b"Exif", bytes(4) + exif.tobytes(), is_hidden=True)
    file.refer(b"cdsc", 2, [1])
    decoded = decode_image(file.encoded()).image
    assert np.abs(decoded.astype(int) - turned_left(IMAGE, 3)).mean() < 2


def test_a_crop_comes_before_the_turn() -> None:
    decoded = decode_image(heic(IMAGE, clap(40, 30, -8, 4), irot(1))).image
    # The middle of the crop is 4 px to the left of and 2 px below the middle of the image.
    expected = turned_left(IMAGE[11:41, 8:48], 1)
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).mean() < 2


@pytest.mark.parametrize(
    "aperture", [clap(99, 30), clap(40, 30, 1000), clap(0, 0), box(b"clap", bytes(32))]
)
def test_a_crop_that_makes_no_sense_is_ignored(aperture: bytes) -> None:
    assert decode_image(heic(IMAGE, aperture)).image.shape == IMAGE.shape


@pytest.mark.parametrize("size", [(48, 64), (40, 56), (33, 65), (16, 16)])
def test_tiles_are_put_together_and_cut_to_size(size: tuple[int, int]) -> None:
    image = draw(*size)
    decoded = decode_image(tiled_heic(image, 32)).image
    assert decoded.shape == image.shape
    assert np.abs(decoded.astype(int) - image).mean() < 2


def _one_tile_grid(content: bytes, n_parts: int, tile_px: tuple[int, int] = (32, 32)) -> bytes:
    configuration, coded_tile = coded(draw(32, 32))
    file = HeifFile()
    file.add(b"grid", content, ispe(64, 32))
    parts = [file.add(b"hvc1", coded_tile, ispe(*tile_px), configuration) for _ in range(n_parts)]
    file.refer(b"dimg", 1, parts)
    return file.encoded()


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (_one_tile_grid(grid(1, 2, 64, 32), 1), "1 of 1 x 2 tiles"),
        (_one_tile_grid(grid(1, 2, 65, 32), 2), "2 tiles of 32 px do not cover 65 px"),
        (_one_tile_grid(grid(1, 2, 32, 32), 2), "2 tiles of 32 px do not cover 32 px"),
        (_one_tile_grid(b"\0\0", 2), "beyond its box"),
        (_one_tile_grid(grid(1, 1, 32, 32), 0), "0 of 1 x 1 tiles"),
    ],
)
def test_tiles_that_do_not_fit_are_damage(encoded: bytes, message: str) -> None:
    with pytest.raises(DamagedImageError, match=message):
        inspect_heif(encoded, MAX_PIXELS)


def test_many_tiles_that_share_their_bytes_are_refused() -> None:
    configuration, content = coded(draw(32, 32))
    file = HeifFile()
    n = 200
    file.add(b"grid", grid(1, n, n * 32, 32), ispe(n * 32, 32))
    file.add(b"hvc1", content, ispe(32, 32), configuration)
    file.refer(b"dimg", 1, [2] * n)
    with pytest.raises(DamagedImageError, match="larger than the file"):
        inspect_heif(file.encoded(), 1_000_000)


def test_the_size_is_checked_before_anything_is_decoded() -> None:
    with pytest.raises(ImageTooLargeError, match=r"HEIC image is 64 x 48 px"):
        inspect_heif(heic(IMAGE), 64 * 48 - 1)
    # A small grid of huge tiles needs as much memory as a huge image.
    with pytest.raises(ImageTooLargeError, match="9000 x 9000"):
        inspect_heif(_one_tile_grid(grid(1, 1, 32, 32), 1, (9000, 9000)), MAX_PIXELS)


def test_the_main_image_need_not_be_the_first() -> None:
    file = HeifFile(primary=2)
    for image in (draw(32, 32)[::-1].copy(), IMAGE):
        configuration, content = coded(image)
        file.add(b"hvc1", content, ispe(*image.shape[1::-1]), configuration)
    decoded = decode_image(file.encoded())
    assert decoded.image.shape == IMAGE.shape
    assert decoded.warnings == ("only the main one of 2 images is used",)


def test_thumbnails_and_helpers_are_no_further_images() -> None:
    file = HeifFile()
    for number, image in enumerate((IMAGE, draw(16, 16)), start=1):
        configuration, content = coded(image)
        file.add(b"hvc1", content, ispe(*image.shape[1::-1]), configuration)
        if number > 1:
            file.refer(b"thmb", number, [1])
    assert inspect_heif(file.encoded(), MAX_PIXELS).warnings == ()


def test_frames_of_a_sequence_are_counted() -> None:
    sizes = full_box(b"stsz", bytes(4) + (7).to_bytes(4))
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", sizes))))
    container = inspect_heif(heic(IMAGE) + box(b"moov", track), MAX_PIXELS)
    assert container.warnings == ("only the first of 7 frames is used",)


def test_a_sequence_without_a_still_image_is_refused() -> None:
    with pytest.raises(UnsupportedFormatError, match="image sequence without a still image"):
        inspect_heif(box(b"ftyp", b"msf1") + box(b"moov"), MAX_PIXELS)


@pytest.mark.parametrize("kind", [b"jpeg", b"iovl", b"iden", b"vvc1", b"unci"])
def test_other_codings_are_refused_by_name(kind: bytes) -> None:
    file = HeifFile(b"mif1")
    file.add(kind, b"x", ispe(64, 48))
    with pytest.raises(UnsupportedFormatError, match=kind.decode()):
        inspect_heif(file.encoded(), MAX_PIXELS)


def test_a_file_of_the_general_brand_is_named_by_its_coding() -> None:
    assert inspect_heif(heic(IMAGE).replace(b"heic", b"mif1"), MAX_PIXELS).format_name == "HEIC"
    avif = encode(pillow(IMAGE), "AVIF")
    assert inspect_heif(avif, MAX_PIXELS).format_name == "AVIF"
    assert decode_image(avif.replace(b"avif", b"mif1", 1)).image.shape == IMAGE.shape


@pytest.mark.parametrize("kind", [b"ispe", b"hvcC"])
def test_what_must_stand_beside_an_image_is_missed(kind: bytes) -> None:
    with pytest.raises(DamagedImageError, match="missing"):
        inspect_heif(heic(IMAGE).replace(kind, b"none"), MAX_PIXELS)


def test_transparency_of_another_size_is_damage() -> None:
    file = HeifFile()
    configuration, content = coded(IMAGE)
    file.add(b"hvc1", content, ispe(64, 48), configuration)
    alpha = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
    file.add(b"hvc1", content, ispe(32, 32), configuration, alpha, is_hidden=True)
    file.refer(b"auxl", 2, [1])
    with pytest.raises(DamagedImageError, match="alpha image and its main image differ in size"):
        coded_images(file.encoded())
