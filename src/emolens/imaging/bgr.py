"""Every kind of pixels to the one kind that emolens works with: uint8, BGR.

Transparency is blended with white, as viewers and paper show it: what lies behind transparent
pixels is arbitrary. An image that is transparent everywhere would be blank, so there the
transparency is taken for a writer's mistake and ignored.

Values of 16 bits keep their upper 8, so 65535 becomes 255; `emolens.imaging.deep` deals with those
that use fewer bits. Colour profiles are not applied.
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
# Modes that Pillow turns into RGB itself.
_PLAIN = {"1", "L", "P", "RGB", "CMYK", "YCbCr", "RGBX"}
_WITH_ALPHA = {"LA", "PA", "RGBA", "RGBa"}


def as_bgr(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Bring an array to three channels.

    Args:
        image: uint8 (H, W) or (H, W, 1) grey, (H, W, 3) BGR, or (H, W, 4) BGRA with 255 opaque.

    Returns:
        uint8 (H, W, 3), BGR; the array itself where it is that already.

    Raises:
        InputError: It is no such array. Other types are not scaled, because their white is unknown.
    """
    allowed = "a non-empty uint8 array (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA"
    if not isinstance(image, np.ndarray):
        raise InputError(f"the image must be {allowed}; got {type(image).__name__}")
    channels = image.shape[2:]
    is_shape_allowed = image.ndim > 1 and channels in ((), (1,), (3,), (4,))
    if image.dtype != np.uint8 or not is_shape_allowed or 0 in image.shape:
        raise InputError(
            f"the image must be {allowed}; got {image.dtype} {image.shape}; "
            "scale other types to 0..255 and convert them with .astype(np.uint8)"
        )
    if channels in ((), (1,)):
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR), np.uint8)
    if channels == (4,):
        return _blend(image)
    return image


def bgr_from_pillow(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Convert a loaded Pillow image of any kind that the formats of emolens can hold.

    Args:
        image: The image; its pixels are loaded.

    Returns:
        uint8 (H, W, 3), BGR.

    Raises:
        UnsupportedFormatError: A kind of pixels without a defined white or without known colours.
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
        f"the image holds pixels of kind {image.mode!r}; allowed are grey, palette, RGB, CMYK "
        "and YCbCr with 1 to 16 bits; save it as PNG with 8 bits"
    )


def _plain(image: Image.Image) -> npt.NDArray[np.uint8]:
    """An image without transparency, some rows at a time: whole copies of large ones cost GB."""
    width, height = image.size
    bgr = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, height)
        rows = image.crop((0, top, width, bottom))
        # Pillow copies also what is RGB already.
        rgb = np.asarray(rows if rows.mode == "RGB" else rows.convert("RGB"))
        cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR, dst=bgr[top:bottom])
    return bgr


def _blend(bgra: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    alpha = bgra[..., 3:]
    if (alpha == _WHITE).all() or not alpha.any():
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(bgra), cv2.COLOR_BGRA2BGR), np.uint8)
    # 255 * 255 + 127 still fits into 16 bits; the sum below is the rounded quotient.
    weight = alpha.astype(np.uint16)
    mixed = bgra[..., :3] * weight + _WHITE * (_WHITE - weight)
    return ((mixed + _WHITE // 2) // _WHITE).astype(np.uint8)
