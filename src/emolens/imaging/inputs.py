"""The forms in which a program passes an image: path, bytes, file, Pillow image or array."""

import os

import numpy as np
import numpy.typing as npt
from PIL import Image

from emolens.core.errors import InputError
from emolens.imaging.decode import (
    DecodedImage,
    SupportsRead,
    as_bgr,
    decode_image,
    decode_pillow,
    read_image,
    read_stream,
)

ImageInput = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | npt.NDArray[np.uint8]
    | Image.Image
    | SupportsRead
)
"""A path, the bytes of an image file, a file open in binary mode, a Pillow image, or an array:
uint8 (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA."""


def load_image(source: ImageInput, *, max_pixels: int) -> DecodedImage:
    """Load an image as a uint8 (H, W, 3) BGR array, with warnings about it.

    Args:
        source: The image. Pillow images are RGB, so their colours are converted; their EXIF
            orientation is applied, as for files.
        max_pixels: Maximum width x height of an image that is not an array.

    Raises:
        InputError: The image cannot be read. The subclass gives the cause.
    """
    if isinstance(source, np.ndarray):
        return DecodedImage(as_bgr(source))
    if isinstance(source, Image.Image):
        return decode_pillow(source, max_pixels=max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        return decode_image(bytes(source), max_pixels=max_pixels)
    if isinstance(source, str | os.PathLike):
        return read_image(source, max_pixels=max_pixels)
    if callable(getattr(source, "read", None)):
        return read_stream(source, max_pixels=max_pixels)
    raise InputError(
        f"image is of type {type(source).__name__}; allowed: a path, bytes, a file open in binary "
        "mode, a Pillow image or a uint8 array"
    )
