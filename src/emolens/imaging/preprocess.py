"""The one preprocessing: what happens to a face crop before a network sees it."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.manifest import InputSpec
from emolens.imaging.crop import resize_gray_square

# Mean and standard deviation of FER2013's training pixels on the scale 0..1, rounded.
GRAY_MEAN = 0.507
GRAY_STD = 0.255


def to_gray(crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Turn a crop grey.

    Args:
        crop: uint8 (H, W) grey or (H, W, 3) BGR.

    Returns:
        uint8 (H, W); 0.114 B + 0.587 G + 0.299 R (ITU-R BT.601, as in OpenCV), or the crop itself
        where it is grey already.

    Raises:
        InputError: The crop has another type or shape, or no pixels.
    """
    is_shape_allowed = crop.ndim > 1 and crop.shape[2:] in ((), (3,))
    if crop.dtype != np.uint8 or not is_shape_allowed or 0 in crop.shape:
        raise InputError(
            "a face crop must be a non-empty uint8 array (H, W) or (H, W, 3) in BGR order, "
            f"got {crop.dtype} {crop.shape}"
        )
    if crop.shape[2:] == ():
        return crop
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_BGR2GRAY), np.uint8)


def preprocess(crops: Sequence[npt.NDArray[np.uint8]], spec: InputSpec) -> npt.NDArray[np.float32]:
    """Make a network's input out of face crops.

    Grey, brought to the network's size (`emolens.imaging.crop.resize_gray_square`: crops that are
    not square are filled up by repeating their border), scaled to 0..1, normalised.

    Args:
        crops: N crops of any size, each uint8 (H, W) grey or (H, W, 3) BGR.
        spec: Size, mean and standard deviation.

    Returns:
        float32 (N, 1, size_px, size_px), C-contiguous; N may be 0. A face's values do not depend
        on the other faces.

    Raises:
        InputError: A crop has another type or shape, or no pixels.
    """
    side = spec.size_px
    batch = np.empty((len(crops), 1, side, side), np.float32)
    for place, crop in zip(batch, crops, strict=True):
        place[0] = resize_gray_square(to_gray(crop), side)
    batch /= 255
    batch -= np.float32(spec.mean)
    batch /= np.float32(spec.std)
    return batch
