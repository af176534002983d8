"""Images turned by any angle, nothing cut off."""

import math

import cv2
import numpy as np
import numpy.typing as npt


def turned(image: npt.NDArray[np.uint8], degrees: float) -> npt.NDArray[np.uint8]:
    """The uint8 image turned clockwise on a larger grey canvas."""
    height, width = image.shape[:2]
    angle = math.radians(degrees)
    cosine, sine = abs(math.cos(angle)), abs(math.sin(angle))
    size_wh = (round(width * cosine + height * sine), round(width * sine + height * cosine))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    matrix[:, 2] += (size_wh[0] - width) / 2, (size_wh[1] - height) / 2
    grey = (128, 128, 128)
    return np.asarray(cv2.warpAffine(image, matrix, size_wh, borderValue=grey), np.uint8)
