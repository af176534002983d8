"""Decoding of image files into complete, upright BGR images."""

import io
import math
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
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
from emolens.imaging.exif import read_orientation, turn_upright
from emolens.imaging.gif import inspect_gif
from emolens.imaging.heic import open_heic
from emolens.imaging.heif import inspect_heif
from emolens.imaging.jpeg import inspect_jpeg, verify_jpeg
from emolens.imaging.kinds import HEAD_BYTES, READABLE, kind_of
from emolens.imaging.limits import MAX_PIXELS
from emolens.imaging.listing import is_broken_link
from emolens.imaging.pillow_limit import pillow_limit_lifted
from emolens.imaging.png import inspect_png, verify_png
from emolens.imaging.pnm import inspect_pnm
from emolens.imaging.tiff import inspect_tiff
from emolens.imaging.webp import inspect_webp

__all__ = [
    "FORMATS",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "DecodedImage",
    "SupportsRead",
    "as_bgr",
    "decode_image",
    "decode_named",
    "decode_pillow",
    "read_image",
    "read_stream",
]

# Larger than any uncompressed image of MAX_PIXELS. It keeps endless files (/dev/zero) out of memory
# and scales with the allowed number of pixels.
MAX_FILE_BYTES = 1 << 30
FORMATS = tuple(kind.name for kind in READABLE)
_CHUNK_BYTES = 1 << 20
# All exceptions that Pillow's decoders have raised on damaged files.
_DECODER_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(OSError, RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
_UNSUPPORTED_WORDS = (
    *("unsupported", "cannot handle", "unknown pixel mode", "not yet supported"),
    "support not installed",  # from a Pillow that was built without a decoder
)


class SupportsRead(Protocol):
    """A file that is open for reading in binary mode."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, and none at the end."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A decoded image.

    Attributes:
        image: uint8 (H, W, 3), BGR, upright; read-only.
        warnings: Warnings for the user, e.g. `"only the first of 12 frames is used"`.
    """

    image: npt.NDArray[np.uint8]
    warnings: tuple[str, ...] = ()


def _accept_any(image: Image.Image, container: Container) -> None:
    """Accept any image, for formats whose decoders report missing pixels themselves."""


@dataclass(frozen=True, slots=True)
class _Codec:
    inspect: Callable[[bytes, int], Container]
    # The decoders are called directly, because PIL.Image.open warns about sizes below MAX_PIXELS
    # and warnings cannot be silenced in a single thread.
    open: Callable[[BinaryIO], Image.Image]
    verify: Callable[[Image.Image, Container], None] = _accept_any


_CODECS = {
    "JPEG": _Codec(inspect_jpeg, JpegImagePlugin.JpegImageFile, verify_jpeg),
    "PNG": _Codec(inspect_png, PngImagePlugin.PngImageFile, verify_png),
    "BMP": _Codec(inspect_bmp, BmpImagePlugin.BmpImageFile),
    "GIF": _Codec(inspect_gif, GifImagePlugin.GifImageFile),
    "WebP": _Codec(inspect_webp, WebPImagePlugin.WebPImageFile),
    "TIFF": _Codec(inspect_tiff, TiffImagePlugin.TiffImageFile),
    "HEIC": _Codec(inspect_heif, open_heic),
    "AVIF": _Codec(inspect_heif, AvifImagePlugin.AvifImageFile),
    "PNM": _Codec(inspect_pnm, PpmImagePlugin.PpmImageFile),
}


def decode_image(encoded: bytes, *, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Decode an image file from memory.

    The first bytes determine the format. The EXIF orientation is applied. Of an animation or a file
    with several pages, only the first image is decoded, with a warning. Transparent pixels are
    blended with white (see `emolens.imaging.bgr`). 16-bit images that use fewer bits are scaled,
    with a warning (see `emolens.imaging.deep`). A truncated file is an error. The pixel density of
    the file (JFIF, pHYs, TIFF resolution) is ignored, as in image viewers, because it is meant for
    printers.

    Args:
        encoded: The whole file: JPEG, PNG (and APNG), BMP, GIF, WebP, TIFF, HEIC, AVIF or PNM.
        max_pixels: Largest width x height to decode; it replaces Pillow's own limit
            (`PIL.Image.MAX_IMAGE_PIXELS`).

    Returns:
        The pixels and warnings.

    Raises:
        EmptyFileError: There are no bytes.
        UnsupportedFormatError: The bytes are not an image of these formats, or use an unsupported
            variant of one.
        ImageTooLargeError: The image has more than `max_pixels` pixels.
        DamagedImageError: The file ends early or contradicts itself.
        InputError: `encoded` is not bytes, or `max_pixels` is below 1.
    """
    if not isinstance(encoded, bytes | bytearray | memoryview):
        raise InputError(f"encoded is of type {type(encoded).__name__}; allowed: bytes")
    if max_pixels < 1:
        raise InputError(f"max_pixels is {max_pixels}; allowed: 1 or more")
    encoded = bytes(encoded)
    container = _CODECS[_recognise(encoded)].inspect(encoded, max_pixels)
    try:
        # HEIC and AVIF share a container; only its parser can tell them apart.
        codec = _CODECS[container.format_name]
        with pillow_limit_lifted(math.prod(container.size_wh)):
            pixels, warnings = _decode(codec, container, max_pixels)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(
            f"the {container.format_name} image is too large for Pillow: {error}"
        ) from error
    except _DECODER_ERRORS as error:
        raise _decoder_error(container.format_name, error) from error
    return _upright(pixels, container.orientation, container.warnings + warnings)


def decode_named(name: str, encoded: bytes, *, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Decode the bytes of an image file as `read_image` decodes a file of this name.

    Args:
        name: The name, which nothing opens. It tells raw files of cameras from TIFF files.
        encoded: The whole file.
        max_pixels: Largest width x height to decode.

    Raises:
        InputError: As for `decode_image`; the message begins with the name.
    """
    try:
        _recognise(encoded, name)
        return decode_image(encoded, max_pixels=max_pixels)
    except InputError as error:
        # repr, because names may contain line breaks and unprintable bytes.
        raise type(error)(f"{str(Path(name))!r}: {error}") from error


def read_image(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Read and decode an image file; see `decode_image`.

    Args:
        path: The file. Bytes that are not UTF-8 are given as Python's surrogate escapes.
        max_pixels: Largest width x height to decode.

    Returns:
        The pixels and warnings.

    Raises:
        InputNotFoundError: The file does not exist or cannot be read.
        InputError: The path is a folder, or as for `decode_image`; the message names the file.
    """
    try:
        file = Path(path)
    except TypeError as error:
        raise InputError(f"path is {path!r}; allowed: str and os.PathLike") from error
    # repr, because names may contain line breaks and unprintable bytes.
    shown = repr(str(file))
    encoded = _read_bytes(file, shown, _max_file_bytes(max_pixels))
    return decode_named(str(file), encoded, max_pixels=max_pixels)


def read_stream(
    stream: SupportsRead, *, max_pixels: int = MAX_PIXELS, shown: str = "the stream"
) -> DecodedImage:
    """Read an open file from its current position to its end and decode it; see `decode_image`.

    Args:
        stream: The file, open in binary mode. It stays open.
        max_pixels: Largest width x height to decode.
        shown: Name of the file in messages.

    Returns:
        The pixels and warnings.

    Raises:
        InputNotFoundError: The file cannot be read.
        InputError: The file is open in text mode, or as for `decode_image`.
    """
    try:
        encoded = _read_all(stream, shown, _max_file_bytes(max_pixels))
        return decode_image(encoded, max_pixels=max_pixels)
    except InputError as error:
        raise type(error)(f"{shown}: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise InputNotFoundError(f"{shown} cannot be read: {error}") from error


def decode_pillow(image: Image.Image, *, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Convert a Pillow image, in the way in which `decode_image` converts a file.

    The EXIF orientation that the image carries is applied. Images from `ImageOps.exif_transpose`
    carry none. Of an animation, the current frame is used.

    Args:
        image: The image, of any mode that a supported file format can have. Its pixels are loaded
            if they are not yet.
        max_pixels: Largest width x height to convert.

    Returns:
        The pixels and warnings.

    Raises:
        ImageTooLargeError: The image has more than `max_pixels` pixels.
        UnsupportedFormatError: The mode has no defined white level or no known colours.
        DamagedImageError: The file behind the image ends early or contradicts itself.
        InputError: The image has no pixels.
    """
    if 0 in image.size:
        raise InputError(f"the Pillow image has {image.width} x {image.height} px; allowed: 1 x 1")
    check_size("Pillow", image.size, max_pixels)
    try:
        with pillow_limit_lifted(math.prod(image.size)):
            image.load()
            pixels, warnings = _pixels_of(image, lambda: image)
            exif = image.info.get("exif")
    except InputError:
        raise
    except _DECODER_ERRORS as error:
        raise _decoder_error(image.format or "Pillow", error) from error
    return _upright(pixels, read_orientation(exif) if isinstance(exif, bytes) else 1, warnings)


def _max_file_bytes(max_pixels: int) -> int:
    return MAX_FILE_BYTES * max(max_pixels, MAX_PIXELS) // MAX_PIXELS


def _read_bytes(file: Path, shown: str, max_bytes: int) -> bytes:
    try:
        if file.is_dir():
            raise InputError(f"{shown} is a folder. Choose an image file in it.")
        if file.exists() and not file.is_file():
            # Opening a pipe would block until another process writes to it.
            raise InputError(f"{shown} is a device, pipe or socket. Choose an image file.")
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            try:
                _recognise(head, file.name)  # before reading a video of 10 GB
            except InputError as error:
                raise type(error)(f"{shown}: {error}") from error
            return _read_all(stream, shown, max_bytes, head)
    except InputError:
        raise
    except PermissionError as error:
        raise InputNotFoundError(
            f"{shown} cannot be read: {error.strerror}. Change its permissions."
        ) from error
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise InputNotFoundError(_missing_message(file, shown)) from error
    except OSError as error:
        raise InputNotFoundError(f"{shown} cannot be read: {error.strerror or error}") from error


def _read_all(stream: SupportsRead, shown: str, max_bytes: int, head: bytes = b"") -> bytes:
    """Read the rest of a file after its head."""
    encoded = bytearray(head)
    while chunk := stream.read(_CHUNK_BYTES):
        if not isinstance(chunk, bytes):
            raise InputError("the file is open in text mode. Open it in binary mode ('rb').")
        encoded += chunk
        if len(encoded) > max_bytes:
            raise ImageTooLargeError(
                f"{shown} is larger than {max_bytes:,} bytes. Shrink it, or raise "
                "max_pixels (--max-megapixels)."
            )
    return bytes(encoded)


def _missing_message(file: Path, shown: str) -> str:
    if is_broken_link(file):
        target = os.fspath(file.readlink())
        return f"{shown} is a link to {target!r}, which does not exist. Repair or delete the link."
    return f"{shown} does not exist. Check the name."


def _recognise(encoded: bytes, name: str = "") -> str:
    """Return the name of the format that the first bytes indicate."""
    if not encoded:
        raise EmptyFileError("the file is empty (0 bytes). Copy or download it again.")
    kind = kind_of(encoded[:HEAD_BYTES], name)
    if kind is not None and kind.is_readable:
        return kind.name
    allowed = f"allowed: {', '.join(FORMATS)}"
    if kind is not None:
        raise UnsupportedFormatError(
            f"{kind.name} files are not supported as images; {allowed}. {kind.advice}."
        )
    raise UnsupportedFormatError(
        f"unknown image format: the file begins with {encoded[:12]!r}; {allowed}. "
        "Save the image in one of these formats."
    )


def _decode(
    codec: _Codec, container: Container, max_pixels: int
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    def reopen() -> Image.Image:
        return codec.open(io.BytesIO(container.pixel_file))

    image = reopen()
    # Parser and decoder may disagree, so the size that the decoder reads is checked too.
    check_size(container.format_name, image.size, max_pixels)
    image.load()
    codec.verify(image, container)
    pixels, warnings = _pixels_of(image, reopen, container.declared_white)
    if container.shown_xyxy is None:
        return pixels, warnings
    x_min, y_min, x_max, y_max = container.shown_xyxy
    return pixels[y_min:y_max, x_min:x_max], warnings


def _pixels_of(
    image: Image.Image, reopen: Callable[[], Image.Image], declared_white: int | None = None
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Convert a loaded Pillow image to BGR; `reopen` and `declared_white` as for `read_deep`."""
    deep = read_deep(image, reopen, declared_white=declared_white)
    if deep is None:
        return bgr_from_pillow(image), ()
    return as_bgr(deep.image), (deep.warning,)


def _upright(
    pixels: npt.NDArray[np.uint8], orientation: int, warnings: tuple[str, ...]
) -> DecodedImage:
    upright = np.ascontiguousarray(turn_upright(pixels, orientation))
    upright.setflags(write=False)
    return DecodedImage(upright, warnings)


def _decoder_error(
    format_name: str, error: BaseException
) -> DamagedImageError | UnsupportedFormatError:
    is_explained = isinstance(error, OSError | SyntaxError | ValueError) and str(error)
    reason = str(error) if is_explained else f"its decoder failed with {error!r}"
    if any(words in reason.lower() for words in _UNSUPPORTED_WORDS):
        return UnsupportedFormatError(
            f"the {format_name} file uses an unsupported variant of the format ({reason}). "
            "Save the image as PNG."
        )
    return damaged(format_name, reason)
