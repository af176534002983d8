"""HEIC decoding, tile by tile, with PyAV's HEVC decoder (ADR 0014)."""

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from emolens.core.errors import UnsupportedFormatError
from emolens.imaging.container import damaged
from emolens.imaging.heif import TiledImage, coded_images

if TYPE_CHECKING:
    from emolens.imaging.pyav import VideoFrame

_NAME = "HEIC"
# The largest block of HEVC, by which a coded tile may exceed its declared size.
_BLOCK_PX = 64
# BT.601, the matrix if neither file nor tile names one. Source: ISO/IEC 23000-22, 7.3.6.4.
_BT601 = 5
_UNSPECIFIED = 2
_LIMITED_RANGE, _FULL_RANGE = 1, 2
# Maps matrices of ISO/IEC 23091-2 to the values that FFmpeg's scaler supports.
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


def open_heic(stream: BinaryIO) -> Image.Image:
    """Decode the main image of a file that `heif.inspect_heif` accepts.

    Args:
        stream: The file.

    Returns:
        An RGB image, or RGBA if the image has transparency; as stored, not rotated.

    Raises:
        DamagedImageError: A tile cannot be decoded or is incomplete.
        UnsupportedFormatError: PyAV is not installed or cannot be loaded.
    """
    main, alpha = coded_images(stream.read())
    pixels = _assembled(main, "rgb24")
    if alpha is not None:
        pixels = np.dstack([pixels, _assembled(alpha, "gray")])
    return Image.fromarray(pixels)


def _assembled(image: TiledImage, pixel_format: str) -> npt.NDArray[np.uint8]:
    """Join the tiles, uint8 (H, W, 3) or (H, W), and cut off the parts beyond the image."""
    width, height = image.size_wh
    tile_width, tile_height = image.tile_wh
    pixels = np.empty((height, width, 3) if pixel_format == "rgb24" else (height, width), np.uint8)
    for number, tile in enumerate(image.tiles()):
        row, column = divmod(number, image.n_columns)
        frame = _decoded(image, tile)
        _set_colours(frame, image.colours)
        place = pixels[row * tile_height :, column * tile_width :][:tile_height, :tile_width]
        place[:] = frame.to_ndarray(format=pixel_format)[: place.shape[0], : place.shape[1]]
    return pixels


def _decoded(image: TiledImage, tile: bytes) -> "VideoFrame":
    try:
        from emolens.imaging.pyav import av  # noqa: PLC0415 (few images need it)
    except ImportError as error:
        raise UnsupportedFormatError(
            f"HEIC images need the package av, which cannot be loaded ({error}). Save the image "
            "as JPEG, or install the package with: pip install av"
        ) from error
    width, height = image.tile_wh
    decoder = av.CodecContext.create("hevc", "r")
    decoder.extradata = image.configuration
    decoder.thread_count = 1
    # The decoder rejects a tile whose own header declares a larger size.
    most = (width + _BLOCK_PX) * (height + _BLOCK_PX)
    decoder.options = {"max_pixels": str(most), "err_detect": "explode"}
    try:
        frames = [*decoder.decode(av.Packet(tile)), *decoder.decode(None)]
    except av.error.FFmpegError as error:
        raise damaged(_NAME, f"its decoder reports {error.strerror!r}") from error
    if not frames or frames[0].is_corrupt:
        raise damaged(_NAME, "a tile is incomplete")
    if frames[0].width < width or frames[0].height < height:
        found_px = f"{frames[0].width} x {frames[0].height} px"
        raise damaged(_NAME, f"a tile is {found_px}, expected {width} x {height} px")
    return frames[0]


def _set_colours(frame: "VideoFrame", colours: tuple[int, bool] | None) -> None:
    """Set the colour matrix and range of a frame; values of the file override those of the tile."""
    if colours is not None:
        frame.colorspace, is_full = colours
        frame.color_range = _FULL_RANGE if is_full else _LIMITED_RANGE
    frame.colorspace = _MATRICES.get(frame.colorspace, _BT601)
