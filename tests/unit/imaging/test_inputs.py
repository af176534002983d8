"""Every form of an image gives the pixels that its file gives."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from emolens.core.errors import (
    DamagedImageError,
    EmptyFileError,
    ImageTooLargeError,
    InputError,
    InputNotFoundError,
    UnsupportedFormatError,
)
from emolens.imaging.inputs import ImageInput, load_image
from emolens.imaging.limits import MAX_PIXELS

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")


def load(source: ImageInput) -> npt.NDArray[np.uint8]:
    return load_image(source, max_pixels=MAX_PIXELS).image


@pytest.fixture
def photo() -> Image.Image:
    """An image whose corners, channels and transparency differ."""
    small = np.random.default_rng(0).integers(0, 256, (6, 5, 4)).astype(np.uint8)
    return Image.fromarray(small, "RGBA").resize((20, 24))


def file_of(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_all_forms_of_a_file_are_the_same(photo: Image.Image, tmp_path: Path) -> None:
    encoded = file_of(photo, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(encoded)
    expected = load(encoded)
    with path.open("rb") as opened:
        forms = (
            *(path, str(path), bytearray(encoded), memoryview(encoded)),
            *(io.BytesIO(encoded), opened, Image.open(path), photo, expected),
        )
        for form in forms:
            np.testing.assert_array_equal(load(form), expected, strict=True)
        assert not opened.closed


@pytest.mark.parametrize("mode", MODES)
def test_a_pillow_image_of_any_mode_is_its_file(mode: str, photo: Image.Image) -> None:
    image = photo.convert("RGB").convert(mode) if mode != "RGBA" else photo
    kind = "TIFF" if mode in {"CMYK", "YCbCr"} else "PNG"
    np.testing.assert_array_equal(load(image), load(file_of(image, kind)), strict=True)


def test_colours_are_those_of_the_image_and_not_swapped() -> None:
    assert load(Image.new("RGB", (2, 1), (255, 128, 0)))[0, 0].tolist() == [0, 128, 255]


def test_16_bits_are_scaled_with_the_warning_of_files() -> None:
    values = (np.arange(600, dtype=np.uint16) * 6).reshape(20, 30)
    image = Image.fromarray(values)
    assert image.mode == "I;16"
    loaded = load_image(image, max_pixels=MAX_PIXELS)
    of_file = load_image(file_of(image, "PNG"), max_pixels=MAX_PIXELS)
    np.testing.assert_array_equal(loaded.image, of_file.image)
    assert loaded.warnings == of_file.warnings
    assert "12 of 16 bits" in loaded.warnings[0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once(kind: str, orientation: int, photo: Image.Image) -> None:
    image = photo.convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    encoded = file_of(image, kind, exif=exif)
    expected = load(encoded)
    assert expected.shape[:2] == ((24, 20) if orientation < 5 else (20, 24))
    opened = Image.open(io.BytesIO(encoded))
    np.testing.assert_array_equal(load(opened), expected)
    np.testing.assert_array_equal(load(opened), expected)
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded)))
    np.testing.assert_array_equal(load(turned), expected)


def test_of_an_animation_the_current_frame_is_used() -> None:
    frames = [Image.new("L", (4, 4), level) for level in (10, 200)]
    opened = Image.open(
        io.BytesIO(file_of(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    )
    opened.seek(1)
    assert load(opened)[0, 0].tolist() == [200, 200, 200]


class _Unreadable(io.RawIOBase):
    def read(self, _size: int = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


def closed_file() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


def cut_short() -> Image.Image:
    encoded = file_of(Image.effect_noise((64, 64), 90), "JPEG")
    return Image.open(io.BytesIO(encoded[: len(encoded) // 2]))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (io.BytesIO(), EmptyFileError, "empty"),
        (io.BytesIO(b"no image at all"), UnsupportedFormatError, "unknown image format"),
        (io.StringIO("text"), InputError, "text mode"),
        (closed_file(), InputNotFoundError, "closed file"),
        (_Unreadable(), InputNotFoundError, "Input/output error"),
        (cut_short(), DamagedImageError, "truncated"),
        (Image.new("F", (4, 4)), UnsupportedFormatError, "pixel mode 'F'"),
        (Image.new("RGB", (0, 4)), InputError, "0 x 4 px"),
        (Image.new("L", (40, 30)), ImageTooLargeError, "40 x 30 px"),
        (7, InputError, "a Pillow image or a uint8 array"),
        (None, InputError, "a Pillow image or a uint8 array"),
    ],
)
def test_what_is_no_image_is_explained(
    source: ImageInput, error: type[InputError], message: str
) -> None:
    with pytest.raises(error, match=message):
        load_image(source, max_pixels=1000 if error is ImageTooLargeError else MAX_PIXELS)


def test_an_endless_file_is_not_read_to_the_end() -> None:
    class Endless:
        n_read = 0

        def read(self, size: int, /) -> bytes:
            self.n_read += size
            return bytes(size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emolens.imaging.decode.MAX_FILE_BYTES", 3_000_000)
        endless = Endless()
        with pytest.raises(ImageTooLargeError, match="larger than 3,000,000 bytes"):
            load(endless)
    assert endless.n_read < 6_000_000
