"""PyAV, and OpenCV before it: in the other order OpenCV's windows hang on Linux."""

from typing import Any, Final

import cv2  # noqa: F401

# isort: split
import av

__all__ = ["READ_METADATA", "av"]

READ_METADATA: Final[dict[str, Any]] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)
"""What `av.open` needs to read files whose titles and names are not UTF-8.

PyAV 18 refuses them unless told; from 19 on it reads them and knows no such option.
"""
