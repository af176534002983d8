"""PyAV, imported after OpenCV: in the other order, OpenCV's windows hang on Linux.

No other module imports PyAV, so the order is always right.
"""

from typing import Any, Final

import cv2  # noqa: F401 (before av, see above)

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
"""Options for `av.open`, to read files whose metadata is not UTF-8.

PyAV 18 rejects such files by default. PyAV 19 reads them and does not know the option.
"""
