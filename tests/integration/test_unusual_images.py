"""Every kind of unusual image that people have, through the whole chain."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from emolens.core.emotion import Emotion
from emolens.core.errors import (
    DamagedImageError,
    EmptyFileError,
    ImageTooLargeError,
    InputNotFoundError,
    UnsupportedFormatError,
)
from emolens.core.frame import FrameResult
from emolens.pipeline import ImageAnalyzer


@pytest.fixture(scope="module")
def portrait(astronaut: npt.NDArray[np.uint8]) -> Image.Image:
    """The sample face, not in the middle, so that a wrong orientation shows."""
    return Image.fromarray(np.ascontiguousarray(astronaut[20:340, 90:390, ::-1]))


@pytest.fixture(scope="module")
def expected(portrait: Image.Image, analyzer: ImageAnalyzer) -> FrameResult:
    result = analyzer.analyze(encoded(portrait, "PNG"))
    assert [face.top for face in result.faces] == [Emotion.HAPPY]
    return result


def encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def assert_same_faces(result: FrameResult, expected: FrameResult, *, box_px: float = 4) -> None:
    assert result.size_wh == expected.size_wh
    assert [face.top for face in result.faces] == [face.top for face in expected.faces]
    for face, wanted in zip(result.faces, expected.faces, strict=True):
        np.testing.assert_allclose(face.box.to_tuple(), wanted.box.to_tuple(), atol=box_px)


# Orientation -> the change that undoes it when an image is stored (EXIF 2.3, tag 0x0112).
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", _STORED)
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_all_exif_orientations_give_the_same_faces(
    portrait: Image.Image,
    expected: FrameResult,
    analyzer: ImageAnalyzer,
    orientation: int,
    image_format: str,
) -> None:
    change = _STORED[orientation]
    stored = portrait if change is None else portrait.transpose(change)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if image_format == "JPEG" else {}
    if image_format == "WEBP":
        options = {"lossless": True}
    content = encoded(stored, image_format, exif=exif, **options)
    result = analyzer.analyze(content)
    assert_same_faces(result, expected)
    if image_format != "JPEG":
        assert result.to_dict() == expected.to_dict()


def _gray_16_bit(portrait: Image.Image) -> bytes:
    gray = np.asarray(portrait.convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(gray), "PNG")


def _rgb_16_bit(portrait: Image.Image) -> bytes:
    import cv2

    pixels = np.asarray(portrait)[:, :, ::-1].astype(np.uint16) * 257
    return cv2.imencode(".png", pixels)[1].tobytes()


def _gray_alpha(portrait: Image.Image) -> bytes:
    image = portrait.convert("LA")
    image.putalpha(255)
    return encoded(image, "PNG")


UNUSUAL: dict[str, Callable[[Image.Image], bytes]] = {
    "16-bit grey PNG": _gray_16_bit,
    "16-bit RGB PNG": _rgb_16_bit,
    "CMYK JPEG": lambda p: encoded(p.convert("CMYK"), "JPEG", quality=95),
    "grey JPEG": lambda p: encoded(p.convert("L"), "JPEG", quality=95),
    "progressive JPEG": lambda p: encoded(p, "JPEG", quality=95, progressive=True),
    "palette TIFF": lambda p: encoded(p.quantize(256), "TIFF"),
    "palette PNG": lambda p: encoded(p.quantize(256), "PNG"),
    "grey and alpha PNG": _gray_alpha,
    "BMP": lambda p: encoded(p, "BMP"),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_unusual_images_give_the_same_faces(
    kind: str, portrait: Image.Image, expected: FrameResult, analyzer: ImageAnalyzer
) -> None:
    assert_same_faces(analyzer.analyze(UNUSUAL[kind](portrait)), expected)


@pytest.mark.parametrize("image_format", ["GIF", "WEBP"])
def test_animations_give_their_first_frame_and_say_so(
    image_format: str, portrait: Image.Image, expected: FrameResult, analyzer: ImageAnalyzer
) -> None:
    others = [Image.new("RGB", portrait.size, (value, 0, 0)) for value in (50, 150)]
    content = encoded(portrait, image_format, save_all=True, append_images=others)
    result = analyzer.analyze(content)
    assert_same_faces(result, expected)
    assert result.warnings == ("only the first of 3 frames is used",)


def _declared_png(width: int, height: int) -> bytes:
    """A PNG that is sound as far as its header goes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def test_an_image_of_too_many_declared_pixels_is_refused(analyzer: ImageAnalyzer) -> None:
    with pytest.raises(ImageTooLargeError, match="20000"):
        analyzer.analyze(_declared_png(20_000, 20_000))


def test_files_that_are_no_images_are_refused(
    portrait: Image.Image, analyzer: ImageAnalyzer, tmp_path: Path
) -> None:
    jpeg = encoded(portrait, "JPEG")
    files = {
        "empty.jpg": (b"", EmptyFileError),
        "text.jpg": (b"not an image at all", UnsupportedFormatError),
        "half.jpg": (jpeg[: len(jpeg) // 2], DamagedImageError),
        "no-end.jpg": (jpeg[:-2], DamagedImageError),
    }
    for name, (content, error) in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(error, match=name):
            analyzer.analyze(path)
    with pytest.raises(InputNotFoundError, match="none.jpg"):
        analyzer.analyze(tmp_path / "none.jpg")


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (33, 47)])
def test_tiny_and_flat_images_have_no_faces(size: tuple[int, int], analyzer: ImageAnalyzer) -> None:
    assert analyzer.analyze(encoded(Image.new("RGB", size, (90, 120, 60)), "PNG")).faces == ()
