"""16-bit images, scaled to 8 bits by the white level that they use.

Cameras, scanners and scientific software store 10 to 14 bits in 16-bit files without declaring it.
The upper 8 bits of such an image would be almost black. White is therefore the level that the file
declares, or else the largest number with as many bits as the values need.

Source: W3C PNG (third edition), 11.3.2.4 (sBIT); TIFF 6.0, MaxSampleValue and SMaxSampleValue.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

WHITE_16_BIT: Final = 65535
# An image with fewer bits than usual is dark; detectors and crops handle dark images themselves.
_MIN_BITS = 8
# Share of pixels that may exceed white: hot sensor pixels and small burnt-in text.
_BRIGHTER_SHARE = 1e-3
# Formats of 16-bit colour images; grey ones of any format have their own Pillow modes.
_FORMATS = {"PNG", "TIFF"}
_GREY = {"I;16", "I;16B", "I;16L", "I;16N"}
# Pillow keeps the first byte of each value; reading in the other byte order keeps the second one.
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_COLOURS = {f"{kind};16{order}" for kind in ("RGB", "RGBA", "RGBX") for order in _OTHER_ORDER}
_GREY_ALPHA = "LA;16B"

Values = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class DeepImage:
    """A 16-bit image that uses fewer bits.

    Attributes:
        image: uint8 (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA, scaled to 0..255.
        white: The value that became 255.
    """

    image: npt.NDArray[np.uint8]
    white: int

    @property
    def warning(self) -> str:
        """A warning for the user."""
        return (
            f"the image uses {self.white.bit_length()} of 16 bits: the value {self.white} is "
            "treated as white"
        )


def read_deep(
    pil_image: Image.Image,
    reopen: Callable[[], Image.Image],
    *,
    declared_white: int | None = None,
) -> DeepImage | None:
    """Scale a 16-bit image that uses fewer bits.

    Args:
        pil_image: The loaded image; Pillow keeps only the upper 8 bits of colours.
        reopen: Opens the same file again without loading its pixels.
        declared_white: Largest value that the file declares, 1..65535; it is used unless the values
            exceed it.

    Returns:
        The scaled image; None if the image does not have 16 bits or uses all of them, so that the
        upper 8 bits are enough.
    """
    values = _values(pil_image, reopen)
    if values is None:
        return None
    n_colours = {2: 1, 4: 3}.get(values.shape[2], values.shape[2])
    needed = _largest(values[..., :n_colours])
    white = (1 << max(needed.bit_length(), _MIN_BITS)) - 1
    if declared_white is not None and needed <= declared_white < WHITE_16_BIT:
        white = max(declared_white, (1 << _MIN_BITS) - 1)
    if white == WHITE_16_BIT:
        return None
    image = _to_8_bits(values[..., :n_colours], white)
    if n_colours == values.shape[2]:
        return DeepImage(image, white)
    alpha = values[..., n_colours:]
    opaque = white if int(alpha.max()) <= white else WHITE_16_BIT
    colours = np.broadcast_to(image, (*image.shape[:2], 3))
    return DeepImage(np.dstack([colours, _to_8_bits(alpha, opaque)]), white)


def _values(pil_image: Image.Image, reopen: Callable[[], Image.Image]) -> Values | None:
    """Return all 16 bits, (H, W, 1..4) as grey or BGR, then alpha; None if 8 bits are enough."""
    if pil_image.mode in _GREY:
        return np.asarray(pil_image).astype(np.uint16, copy=False)[..., np.newaxis]
    if pil_image.format not in _FORMATS:
        return None
    reopened = reopen()
    if not isinstance(reopened, ImageFile.ImageFile):
        return None
    raw_modes = {_raw_mode(tile) for tile in reopened.tile}
    if len(raw_modes) != 1 or not raw_modes <= _COLOURS | {_GREY_ALPHA}:
        return None
    (raw_mode,) = raw_modes
    is_grey = raw_mode == _GREY_ALPHA
    upper = np.asarray(pil_image)
    if _largest(upper[..., :3]) >= 1 << (_MIN_BITS - 1):
        return None
    # The four bytes of grey and alpha are read as a pixel with four channels.
    other = "RGBA" if is_grey else raw_mode[:-1] + _OTHER_ORDER[raw_mode[-1]]
    reopened.tile = [_with_raw_mode(tile, other) for tile in reopened.tile]
    reopened.load()
    second = np.asarray(reopened)
    if is_grey:
        upper, second = second[..., ::2], second[..., 1::2]
    values: Values = (upper.astype(np.uint16) << 8) | second
    order = {2: [0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[values.shape[2]]
    return np.ascontiguousarray(values[..., order])


def _raw_mode(tile: ImageFile._Tile) -> str:
    """Return Pillow's raw mode of a tile, which is its only argument or its first one."""
    arguments = tile.args
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _with_raw_mode(tile: ImageFile._Tile, raw_mode: str) -> ImageFile._Tile:
    arguments = tile.args
    changed = (raw_mode, *arguments[1:]) if isinstance(arguments, tuple) else raw_mode
    return tile._replace(args=changed)


def _largest(values: Values | npt.NDArray[np.uint8]) -> int:
    """Return the largest value, ignoring the few that exceed white."""
    n_levels = int(np.iinfo(values.dtype).max) + 1
    counts = np.zeros(n_levels, np.int64)
    for channel in range(values.shape[2]):
        plane: npt.NDArray[np.integer] = np.ascontiguousarray(values[..., channel])
        histogram = cv2.calcHist([plane], [0], None, [n_levels], [0, n_levels])
        counts += histogram[:, 0].astype(np.int64)
    n_above = counts[::-1].cumsum()
    return n_levels - 1 - int(np.searchsorted(n_above, _BRIGHTER_SHARE * values.size, side="right"))


def _to_8_bits(values: Values, white: int) -> npt.NDArray[np.uint8]:
    scaled = cv2.convertScaleAbs(np.ascontiguousarray(values), alpha=255 / white)
    return np.asarray(scaled, np.uint8).reshape(values.shape)
