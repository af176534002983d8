"""A picture file to pixels: complete, upright, BGR, or an error that says why not."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from emolens.core.errors import (
    DamagedImageError,
    EmptyFileError,
    ImageTooLargeError,
    InputError,
    InputNotFoundError,
    UnsupportedFormatError,
)
from emolens.imaging.bgr import as_bgr, bgr_from_pillow
from emolens.imaging.bmp import inspect_bmp
from emolens.imaging.container import Container, check_size, damaged
from emolens.imaging.deep import read_deep
from emolens.imaging.exif import turn_upright
from emolens.imaging.gif import inspect_gif
from emolens.imaging.jpeg import inspect_jpeg, verify_jpeg
from emolens.imaging.png import inspect_png, verify_png
from emolens.imaging.tiff import inspect_tiff
from emolens.imaging.webp import inspect_webp

__all__ = [
    "FORMATS",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "DecodedImage",
    "as_bgr",
    "decode_image",
    "read_image",
]

# Covers every camera but a few; 300 MB as BGR. 20,000 x 20,000 is four times as much.
MAX_PIXELS = 100_000_000
# Above any uncompressed picture of MAX_PIXELS; keeps endless files (/dev/zero) out of memory.
MAX_FILE_BYTES = 1 << 30
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WebP", "TIFF")
_MAGIC_BYTES = 16
_CHUNK_BYTES = 1 << 20
# Everything that Pillow's decoders were seen to raise on broken files.
_DECODER_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(OSError, RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
_RARE_KIND = ("unsupported", "cannot handle", "unknown pixel mode", "not yet supported")


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A decoded picture.

    Attributes:
        image: uint8 (H, W, 3), BGR, upright; read-only.
        notes: Remarks that a user should know, e.g. `"first of 12 frames"`.
    """

    image: npt.NDArray[np.uint8]
    notes: tuple[str, ...] = ()


def _accept(image: Image.Image, container: Container) -> None:
    """For formats whose decoders report missing pixels themselves."""


@dataclass(frozen=True, slots=True)
class _Codec:
    inspect: Callable[[bytes, int], Container]
    # The decoders are called directly: PIL.Image.open would warn about sizes below MAX_PIXELS,
    # and warnings cannot be silenced for one thread alone.
    open: Callable[[BinaryIO], ImageFile.ImageFile]
    verify: Callable[[Image.Image, Container], None] = _accept


_CODECS = {
    "JPEG": _Codec(inspect_jpeg, JpegImagePlugin.JpegImageFile, verify_jpeg),
    "PNG": _Codec(inspect_png, PngImagePlugin.PngImageFile, verify_png),
    "BMP": _Codec(inspect_bmp, BmpImagePlugin.BmpImageFile),
    "GIF": _Codec(inspect_gif, GifImagePlugin.GifImageFile),
    "WebP": _Codec(inspect_webp, WebPImagePlugin.WebPImageFile),
    "TIFF": _Codec(inspect_tiff, TiffImagePlugin.TiffImageFile),
}


def decode_image(encoded: bytes, *, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Decode a picture file held in memory.

    The format is recognised by the first bytes. The EXIF orientation is applied; of an animation
    or a file with several pages the first picture is taken, and a note says so; transparency is
    blended with white (see `emolens.imaging.bgr`); values of 16 bits that use fewer are scaled, and
    a note says so (see `emolens.imaging.deep`). A file that is cut off anywhere is refused.

    Args:
        encoded: The whole file: JPEG, PNG (and APNG), BMP, GIF, WebP or TIFF.
        max_pixels: Largest width x height that is decoded. Pillow's own limits
            (`PIL.Image.MAX_IMAGE_PIXELS`) hold for TIFF and WebP as well.

    Returns:
        The pixels and remarks.

    Raises:
        EmptyFileError: There are no bytes.
        UnsupportedFormatError: The bytes are no such picture, or one of a rare kind.
        ImageTooLargeError: The picture declares more than `max_pixels` pixels.
        DamagedImageError: The file ends early or contradicts itself.
        InputError: `encoded` is no bytes, or `max_pixels` is below 1.
    """
    if not isinstance(encoded, bytes | bytearray | memoryview):
        raise InputError(f"a picture file must be given as bytes, got {type(encoded).__name__}")
    if max_pixels < 1:
        raise InputError(f"max_pixels must be at least 1, got {max_pixels}")
    encoded = bytes(encoded)
    codec = _CODECS[_recognise(encoded)]
    container = codec.inspect(encoded, max_pixels)
    try:
        pixels, notes = _decode(codec, container, max_pixels)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(
            f"the {container.format_name} picture is too large for Pillow: {error}"
        ) from error
    except _DECODER_ERRORS as error:
        raise _refusal(container.format_name, error) from error
    upright = np.ascontiguousarray(turn_upright(pixels, container.orientation))
    upright.setflags(write=False)
    return DecodedImage(upright, container.notes + notes)


def read_image(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Read and decode a picture file; see `decode_image`.

    Args:
        path: The file; bytes that are no UTF-8 stand in it as Python's surrogate escapes.
        max_pixels: Largest width x height that is decoded.

    Returns:
        The pixels and remarks.

    Raises:
        InputNotFoundError: There is no such file, or it may not be read.
        InputError: It is a folder, or as `decode_image` says; the message names the file.
    """
    try:
        file = Path(path)
    except TypeError as error:
        raise InputError(f"a path must be a str or os.PathLike, got {path!r}") from error
    # repr: names may hold line breaks, and bytes that no terminal can print.
    shown = repr(str(file))
    encoded = _read_bytes(file, shown)
    try:
        return decode_image(encoded, max_pixels=max_pixels)
    except InputError as error:
        raise type(error)(f"{shown}: {error}") from error


def _read_bytes(file: Path, shown: str) -> bytes:
    try:
        if file.is_dir():
            raise InputError(f"{shown} is a folder; name a picture file in it")
        if file.exists() and not file.is_file():
            # Opening a pipe would wait for somebody to write into it.
            raise InputError(f"{shown} is a device, pipe or socket; name a picture file")
        with file.open("rb") as stream:
            head = stream.read(_MAGIC_BYTES)
            try:
                _recognise(head)  # before a video of 10 GB is read
            except InputError as error:
                raise type(error)(f"{shown}: {error}") from error
            encoded = bytearray(head)
            while chunk := stream.read(_CHUNK_BYTES):
                encoded += chunk
                if len(encoded) > MAX_FILE_BYTES:
                    raise ImageTooLargeError(
                        f"{shown} is larger than {MAX_FILE_BYTES:,} bytes; shrink it first"
                    )
            return bytes(encoded)
    except InputError:
        raise
    except PermissionError as error:
        raise InputNotFoundError(
            f"{shown} may not be read: {error.strerror}; change its permissions"
        ) from error
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise InputNotFoundError(f"{shown} does not exist; check the name") from error
    except OSError as error:
        raise InputNotFoundError(f"{shown} cannot be read: {error.strerror or error}") from error


def _recognise(encoded: bytes) -> str:
    """Name the format that the first bytes announce."""
    if not encoded:
        raise EmptyFileError("the file is empty (0 bytes); copy or download it again")
    if encoded.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if encoded.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if encoded.startswith(b"BM"):
        return "BMP"
    if encoded.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if encoded.startswith(b"RIFF") and encoded[8:12] == b"WEBP":
        return "WebP"
    if encoded.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    guess = " (HEIC, AVIF or a video)" if encoded[4:8] == b"ftyp" else ""
    raise UnsupportedFormatError(
        f"not a picture of a format that emolens reads: it begins with {encoded[:12]!r}{guess}; "
        f"allowed are {', '.join(FORMATS)}, whatever the file's name; save it in one of these"
    )


def _decode(
    codec: _Codec, container: Container, max_pixels: int
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    def reopen() -> ImageFile.ImageFile:
        return codec.open(io.BytesIO(container.pixel_file))

    picture = reopen()
    # Should parser and decoder disagree, the decoder's own idea of the size counts too.
    check_size(container.format_name, picture.size, max_pixels)
    picture.load()
    codec.verify(picture, container)
    deep = read_deep(picture, reopen, declared_white=container.declared_white)
    if deep is not None:
        return as_bgr(deep.image), (deep.note,)
    return bgr_from_pillow(picture), ()


def _refusal(format_name: str, error: BaseException) -> DamagedImageError | UnsupportedFormatError:
    is_explained = isinstance(error, OSError | SyntaxError | ValueError) and str(error)
    reason = str(error) if is_explained else f"its decoder gave up ({error!r})"
    if any(words in reason.lower() for words in _RARE_KIND):
        return UnsupportedFormatError(
            f"the {format_name} picture is of a kind that emolens does not read ({reason}); "
            "save it as PNG"
        )
    return damaged(format_name, reason)
