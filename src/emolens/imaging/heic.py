"""HEIC images to pixels: PyAV's HEVC decoder, tile by tile (ADR 0014)."""

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
# The largest block of HEVC: what a coded tile may have beyond the size that the file declares.
_BLOCK_PX = 64
# BT.601, the matrix where neither file nor tile names one. Source: ISO/IEC 23000-22, 7.3.6.4.
_BT601 = 5
_UNSPECIFIED = 2
_LIMITED_RANGE, _FULL_RANGE = 1, 2
# Matrices of ISO/IEC 23091-2 by FFmpeg's names for what its scaler knows.
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


def open_heic(stream: BinaryIO) -> Image.Image:
    """Decode the main image of a file that `heif.inspect_heif` accepts.

    Args:
        stream: The file.

    Returns:
        An RGB image, or RGBA where the image has transparency; as stored, not turned.

    Raises:
        DamagedImageError: A tile cannot be decoded or is not whole.
        UnsupportedFormatError: PyAV is missing.
    """
    main, alpha = coded_images(stream.read())
    pixels = _assembled(main, "rgb24")
    if alpha is not None:
        pixels = np.dstack([pixels, _assembled(alpha, "gray")])
    return Image.fromarray(pixels)


def _assembled(image: TiledImage, pixel_format: str) -> npt.NDArray[np.uint8]:
    """The tiles side by side, uint8 (H, W, 3) or (H, W), without what lies beyond the image."""
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
            f"HEIC images need the package av, which cannot be loaded ({error}); install it "
            "with: pip install av, or save the image as JPEG"
        ) from error
    width, height = image.tile_wh
    decoder = av.CodecContext.create("hevc", "r")
    decoder.extradata = image.configuration
    decoder.thread_count = 1
    # The decoder refuses a tile that says of itself that it is larger.
    most = (width + _BLOCK_PX) * (height + _BLOCK_PX)
    decoder.options = {"max_pixels": str(most), "err_detect": "explode"}
    try:
        frames = [*decoder.decode(av.Packet(tile)), *decoder.decode(None)]
    except av.error.FFmpegError as error:
        raise damaged(_NAME, f"its decoder says: {error.strerror}") from error
    if not frames or frames[0].is_corrupt:
        raise damaged(_NAME, "a tile is not whole")
    if frames[0].width < width or frames[0].height < height:
        raise damaged(_NAME, f"a tile has {frames[0].width} x {frames[0].height} px")
    return frames[0]


def _set_colours(frame: "VideoFrame", colours: tuple[int, bool] | None) -> None:
    """Say how brightness and colour are stored; the file's word goes before the tile's."""
    if colours is not None:
        frame.colorspace, is_full = colours
        frame.color_range = _FULL_RANGE if is_full else _LIMITED_RANGE
    frame.colorspace = _MATRICES.get(frame.colorspace, _BT601)
