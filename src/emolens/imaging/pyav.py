"""PyAV, and OpenCV before it: in the other order OpenCV's windows hang on Linux.

The only module that imports PyAV, so that whoever is imported first, the order is right.
"""

from typing import Any, Final

import cv2  # noqa: F401

# isort: split
import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

__all__ = [
    "READ_METADATA",
    "AudioStream",
    "BitStreamFilterContext",
    "Disposition",
    "InputContainer",
    "OutputContainer",
    "SideData",
    "VideoFrame",
    "VideoStream",
    "av",
]

READ_METADATA: Final[dict[str, Any]] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)
"""What `av.open` needs to read files whose titles and names are not UTF-8.

PyAV 18 refuses them unless told; from 19 on it reads them and knows no such option.
"""
