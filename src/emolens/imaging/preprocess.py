"""Preprocessing of face crops for a network, the same for every use."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.manifest import InputSpec
from emolens.imaging.crop import resize_gray_square

# Mean and standard deviation of FER2013's train pixels, scaled to 0..1, rounded.
GRAY_MEAN = 0.507
GRAY_STD = 0.255


def to_gray(crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Convert a crop to grey.

    Args:
        crop: uint8 (H, W) grey or (H, W, 3) BGR.

    Returns:
        uint8 (H, W), 0.114 B + 0.587 G + 0.299 R (ITU-R BT.601, as in OpenCV); the crop itself if
        it is grey already.

    Raises:
        InputError: The crop has another dtype or shape, or no pixels.
    """
    is_shape_allowed = crop.ndim > 1 and crop.shape[2:] in ((), (3,))
    if crop.dtype != np.uint8 or not is_shape_allowed or 0 in crop.shape:
        raise InputError(
            f"a face crop is {crop.dtype} {crop.shape}; allowed: a non-empty uint8 array (H, W) "
            "or (H, W, 3) in BGR order"
        )
    if crop.shape[2:] == ():
        return crop
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_BGR2GRAY), np.uint8)


def preprocess(crops: Sequence[npt.NDArray[np.uint8]], spec: InputSpec) -> npt.NDArray[np.float32]:
    """Convert face crops to the input of a network.

    Crops are converted to grey, resized (`emolens.imaging.crop.resize_gray_square`, which pads
    crops that are not square by repeating their border), scaled to 0..1 and normalised.

    Args:
        crops: N crops of any size, each uint8 (H, W) grey or (H, W, 3) BGR.
        spec: Size, mean and standard deviation.

    Returns:
        float32 (N, 1, size_px, size_px), C-contiguous; N may be 0. The values of a face do not
        depend on the other faces.

    Raises:
        InputError: A crop has another dtype or shape, or no pixels.
    """
    side = spec.size_px
    batch = np.empty((len(crops), 1, side, side), np.float32)
    for place, crop in zip(batch, crops, strict=True):
        place[0] = resize_gray_square(to_gray(crop), side)
    batch /= 255
    batch -= np.float32(spec.mean)
    batch /= np.float32(spec.std)
    return batch
