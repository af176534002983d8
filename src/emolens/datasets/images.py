"""Readers for the listed images of a data set, with messages that name the list."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.errors import DatasetError, InputError, InputNotFoundError
from emolens.core.geometry import Box
from emolens.imaging.crop import crop_square
from emolens.imaging.decode import read_image
from emolens.imaging.preprocess import to_gray

# Larger than the input of every network here. Larger faces are shrunk at once, to save memory.
_MAX_SIDE_PX = 512


def read_gray(file: Path, location: str = "") -> npt.NDArray[np.uint8]:
    """Read an image as uint8 (H, W), grey.

    Args:
        file: The image.
        location: The file and line of the list, for messages; empty without a list.

    Raises:
        DatasetError: The image is missing or cannot be read.
    """
    where = f"{location}: " if location else ""
    try:
        return to_gray(read_image(file).image)
    except InputNotFoundError as error:
        raise DatasetError(f"{where}the image {file} is missing") from error
    except InputError as error:
        # read_image names the file in its own messages.
        raise DatasetError(f"{where}not a readable image: {error}") from error


def read_gray_box(file: Path, box: Box, location: str) -> npt.NDArray[np.uint8]:
    """Read the square around a face in an image as uint8 (S, S), grey.

    Args:
        file: The image.
        box: The face in pixels of the image, from the data set. The square has the same centre and
            the length of the longer side. Outside the image, the border pixels are repeated.
        location: The file and line of the list, for messages.

    Raises:
        DatasetError: The image is missing, cannot be read, or the box does not touch it.
    """
    image = read_gray(file, location)
    height, width = image.shape
    if not (box.x_min < width and box.y_min < height and box.x_max > 0 and box.y_max > 0):
        raise DatasetError(
            f"{location}: the face box from {box.x_min:g}, {box.y_min:g} to {box.x_max:g}, "
            f"{box.y_max:g} lies outside the image {file} of {width} x {height} px"
        )
    square = box.to_square()
    return crop_square(image, square, min(math.ceil(square.width), _MAX_SIDE_PX))
