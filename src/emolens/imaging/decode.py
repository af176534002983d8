"""An image file to pixels: complete, upright, BGR, or an error that says why not."""

import io
import math
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
from emolens.imaging.exif import turn_upright
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
    "as_bgr",
    "decode_image",
    "read_image",
]

# Above any uncompressed image of MAX_PIXELS; keeps endless files (/dev/zero) out of memory. It
# grows with the number of pixels that is allowed.
MAX_FILE_BYTES = 1 << 30
FORMATS = tuple(kind.name for kind in READABLE)
_CHUNK_BYTES = 1 << 20
# Everything that Pillow's decoders were seen to raise on broken files.
_DECODER_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(OSError, RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
_RARE_KIND = (
    *("unsupported", "cannot handle", "unknown pixel mode", "not yet supported"),
    "support not installed",  # by a Pillow that was built without a decoder
)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A decoded image.

    Attributes:
        image: uint8 (H, W, 3), BGR, upright; read-only.
        warnings: Warnings that a user should know, e.g. `"first of 12 frames"`.
    """

    image: npt.NDArray[np.uint8]
    warnings: tuple[str, ...] = ()


def _accept(image: Image.Image, container: Container) -> None:
    """For formats whose decoders report missing pixels themselves."""


@dataclass(frozen=True, slots=True)
class _Codec:
    inspect: Callable[[bytes, int], Container]
    # The decoders are called directly: PIL.Image.open would warn about sizes below MAX_PIXELS,
    # and warnings cannot be silenced for one thread alone.
    open: Callable[[BinaryIO], Image.Image]
    verify: Callable[[Image.Image, Container], None] = _accept


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
    """Decode an image file held in memory.

    The format is recognised by the first bytes. The EXIF orientation is applied; of an animation
    or a file with several pages the first image is taken, and a warning says so; transparency is
    blended with white (see `emolens.imaging.bgr`); values of 16 bits that use fewer are scaled, and
    a warning says so (see `emolens.imaging.deep`). A file that is cut off anywhere is refused.
    Pixels are square, whatever density the file states across and down (JFIF, pHYs, TIFF's
    resolution): it is meant for printers, and viewers ignore it as well.

    Args:
        encoded: The whole file: JPEG, PNG (and APNG), BMP, GIF, WebP, TIFF, HEIC, AVIF or PNM.
        max_pixels: Largest width x height that is decoded; Pillow's own limit
            (`PIL.Image.MAX_IMAGE_PIXELS`) does not count.

    Returns:
        The pixels and warnings.

    Raises:
        EmptyFileError: There are no bytes.
        UnsupportedFormatError: The bytes are no such image, or one of a rare kind.
        ImageTooLargeError: The image declares more than `max_pixels` pixels.
        DamagedImageError: The file ends early or contradicts itself.
        InputError: `encoded` is no bytes, or `max_pixels` is below 1.
    """
    if not isinstance(encoded, bytes | bytearray | memoryview):
        raise InputError(f"an image file must be given as bytes, got {type(encoded).__name__}")
    if max_pixels < 1:
        raise InputError(f"max_pixels must be at least 1, got {max_pixels}")
    encoded = bytes(encoded)
    container = _CODECS[_recognise(encoded)].inspect(encoded, max_pixels)
    try:
        # HEIC and AVIF share a container, which alone says which of them it holds.
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
        raise _refusal(container.format_name, error) from error
    upright = np.ascontiguousarray(turn_upright(pixels, container.orientation))
    upright.setflags(write=False)
    return DecodedImage(upright, container.warnings + warnings)


def read_image(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Read and decode an image file; see `decode_image`.

    Args:
        path: The file; bytes that are no UTF-8 stand in it as Python's surrogate escapes.
        max_pixels: Largest width x height that is decoded.

    Returns:
        The pixels and warnings.

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
    encoded = _read_bytes(file, shown, _max_file_bytes(max_pixels))
    try:
        return decode_image(encoded, max_pixels=max_pixels)
    except InputError as error:
        raise type(error)(f"{shown}: {error}") from error


def _max_file_bytes(max_pixels: int) -> int:
    return MAX_FILE_BYTES * max(max_pixels, MAX_PIXELS) // MAX_PIXELS


def _read_bytes(file: Path, shown: str, max_bytes: int) -> bytes:
    try:
        if file.is_dir():
            raise InputError(f"{shown} is a folder; name an image file in it")
        if file.exists() and not file.is_file():
            # Opening a pipe would wait for somebody to write into it.
            raise InputError(f"{shown} is a device, pipe or socket; name an image file")
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            try:
                _recognise(head, file.name)  # before a video of 10 GB is read
            except InputError as error:
                raise type(error)(f"{shown}: {error}") from error
            encoded = bytearray(head)
            while chunk := stream.read(_CHUNK_BYTES):
                encoded += chunk
                if len(encoded) > max_bytes:
                    raise ImageTooLargeError(
                        f"{shown} is larger than {max_bytes:,} bytes; shrink it, or allow more "
                        "with max_pixels (--max-megapixels)"
                    )
            return bytes(encoded)
    except InputError:
        raise
    except PermissionError as error:
        raise InputNotFoundError(
            f"{shown} may not be read: {error.strerror}; change its permissions"
        ) from error
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise InputNotFoundError(_not_there(file, shown)) from error
    except OSError as error:
        raise InputNotFoundError(f"{shown} cannot be read: {error.strerror or error}") from error


def _not_there(file: Path, shown: str) -> str:
    if is_broken_link(file):
        target = os.fspath(file.readlink())
        return f"{shown} is a link to {target!r}, which does not exist; mend or delete the link"
    return f"{shown} does not exist; check the name"


def _recognise(encoded: bytes, name: str = "") -> str:
    """Name the format that the first bytes announce."""
    if not encoded:
        raise EmptyFileError("the file is empty (0 bytes); copy or download it again")
    kind = kind_of(encoded[:HEAD_BYTES], name)
    if kind is not None and kind.is_readable:
        return kind.name
    allowed = f"allowed are {', '.join(FORMATS)}, whatever the file's name"
    if kind is not None:
        raise UnsupportedFormatError(
            f"a {kind.name} file, which emolens does not read as an image; {kind.advice}; {allowed}"
        )
    raise UnsupportedFormatError(
        f"not an image of a format that emolens reads: it begins with {encoded[:12]!r}; "
        f"{allowed}; save it in one of these"
    )


def _decode(
    codec: _Codec, container: Container, max_pixels: int
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    def reopen() -> Image.Image:
        return codec.open(io.BytesIO(container.pixel_file))

    image = reopen()
    # Should parser and decoder disagree, the decoder's own idea of the size counts too.
    check_size(container.format_name, image.size, max_pixels)
    image.load()
    codec.verify(image, container)
    deep = read_deep(image, reopen, declared_white=container.declared_white)
    pixels = bgr_from_pillow(image) if deep is None else as_bgr(deep.image)
    warnings = () if deep is None else (deep.warning,)
    if container.shown_xyxy is None:
        return pixels, warnings
    x_min, y_min, x_max, y_max = container.shown_xyxy
    return pixels[y_min:y_max, x_min:x_max], warnings


def _refusal(format_name: str, error: BaseException) -> DamagedImageError | UnsupportedFormatError:
    is_explained = isinstance(error, OSError | SyntaxError | ValueError) and str(error)
    reason = str(error) if is_explained else f"its decoder gave up ({error!r})"
    if any(words in reason.lower() for words in _RARE_KIND):
        return UnsupportedFormatError(
            f"the {format_name} image is of a kind that emolens does not read ({reason}); "
            "save it as PNG"
        )
    return damaged(format_name, reason)
