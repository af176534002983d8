"""PyAV, and OpenCV before it: in the other order OpenCV's windows hang on Linux."""

import cv2  # noqa: F401

# isort: split
import av

__all__ = ["av"]
