"""Conversion of every pixel format to the one that emolens uses: uint8 BGR.

Transparent pixels are blended with white, as viewers and printers do, because their own colours
are arbitrary. An image that is transparent everywhere would become blank, so its transparency is
ignored as a mistake of the program that wrote it.

16-bit values keep their upper 8 bits: 65535 becomes 255. `emolens.imaging.deep` handles images that
use fewer than 16 bits. Colour profiles are not applied.
"""

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from emolens.core.errors import InputError, UnsupportedFormatError

_WHITE = 255
_GREY_16_BIT = {"I;16", "I;16B", "I;16L", "I;16N"}
# Few enough to stay in the processor's cache between Pillow and OpenCV.
_ROWS_AT_ONCE = 128
# Modes that Pillow converts to RGB itself.
_PLAIN = {"1", "L", "P", "RGB", "CMYK", "YCbCr", "RGBX"}
_WITH_ALPHA = {"LA", "PA", "RGBA", "RGBa"}


def as_bgr(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Convert an array to three channels.

    Args:
        image: uint8 (H, W) or (H, W, 1) grey, (H, W, 3) BGR, or (H, W, 4) BGRA with 255 opaque.

    Returns:
        uint8 (H, W, 3), BGR; the array itself if it has this form already.

    Raises:
        InputError: The array has another dtype or shape. Other dtypes are not scaled, because their
            white level is unknown.
    """
    allowed = "a non-empty uint8 array (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA"
    if not isinstance(image, np.ndarray):
        raise InputError(f"image is of type {type(image).__name__}; allowed: {allowed}")
    channels = image.shape[2:]
    is_shape_allowed = image.ndim > 1 and channels in ((), (1,), (3,), (4,))
    if image.dtype != np.uint8 or not is_shape_allowed or 0 in image.shape:
        raise InputError(
            f"image is {image.dtype} {image.shape}; allowed: {allowed}. "
            "Scale other dtypes to 0..255 and convert them with .astype(np.uint8)."
        )
    if channels in ((), (1,)):
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR), np.uint8)
    if channels == (4,):
        return _blend(image)
    return image


def bgr_from_pillow(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Convert a loaded Pillow image of any mode that a supported file format can have.

    Args:
        image: The image, with its pixels loaded.

    Returns:
        uint8 (H, W, 3), BGR.

    Raises:
        UnsupportedFormatError: The mode has no defined white level or no known colours.
    """
    if image.mode in _GREY_16_BIT:
        upper = np.asarray(image) >> 8
        return as_bgr(upper.astype(np.uint8))
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode in _WITH_ALPHA or (image.mode in _PLAIN and "transparency" in image.info):
        rgba = np.asarray(image.convert("RGBA"))
        return _blend(np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), np.uint8))
    if image.mode in _PLAIN:
        return _plain(image)
    raise UnsupportedFormatError(
        f"the image has the pixel mode {image.mode!r}; allowed: grey, palette, RGB, CMYK and "
        "YCbCr with 1 to 16 bits. Save it as an 8-bit PNG."
    )


def _plain(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Convert an opaque image block by block, because full copies of large ones cost gigabytes."""
    width, height = image.size
    bgr = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, height)
        rows = image.crop((0, top, width, bottom))
        # Pillow copies an RGB image too, so skip its conversion.
        rgb = np.asarray(rows if rows.mode == "RGB" else rows.convert("RGB"))
        cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR, dst=bgr[top:bottom])
    return bgr


def _blend(bgra: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    alpha = bgra[..., 3:]
    if (alpha == _WHITE).all() or not alpha.any():
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(bgra), cv2.COLOR_BGRA2BGR), np.uint8)
    # 255 * 255 + 127 still fits into 16 bits; the expression below is the rounded quotient.
    weight = alpha.astype(np.uint16)
    mixed = bgra[..., :3] * weight + _WHITE * (_WHITE - weight)
    return ((mixed + _WHITE // 2) // _WHITE).astype(np.uint8)
