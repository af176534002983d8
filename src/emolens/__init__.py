"""emolens: apparent facial expressions from pictures and video, on a plain CPU, offline.

    import emolens

    result = emolens.analyze("photo.jpg")
    print(result)
    result.faces[0].label          # Emotion.HAPPY, or None where emolens abstains
    result.to_dict(), result.to_json(), result.to_rows()

    for result in emolens.stream(0):                  # a camera, an address, a video, a folder
        print(result.media_time_s, *result.faces)     # result.frame is the picture

For many pictures keep one analyzer: `analyzer = emolens.ImageAnalyzer.load()`.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from emolens.core.emotion import LABELS, Emotion, EmotionScores
from emolens.core.errors import (
    ConfigError,
    DatasetError,
    EmolensError,
    InputError,
    MissingExtraError,
    ModelError,
    OutputError,
    ProcessingError,
    SourceError,
)
from emolens.core.face import FaceDetection, FaceQuality, FaceResult, QualityReason
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box
from emolens.core.manifest import InputSpec, ModelManifest

if TYPE_CHECKING:
    from emolens.media.clip import Clip
    from emolens.pipeline.analyzer import ImageAnalyzer, Picture, analyze
    from emolens.pipeline.stream import StreamAnalyzer, StreamSettings
    from emolens.pipeline.streaming import Stream, stream
    from emolens.rendering.overlay import draw_faces

__all__ = [
    "LABELS",
    "Box",
    "Clip",
    "ConfigError",
    "DatasetError",
    "EmolensError",
    "Emotion",
    "EmotionScores",
    "FaceDetection",
    "FaceQuality",
    "FaceResult",
    "Frame",
    "FrameResult",
    "ImageAnalyzer",
    "InputError",
    "InputSpec",
    "MissingExtraError",
    "ModelError",
    "ModelManifest",
    "OutputError",
    "Picture",
    "ProcessingError",
    "QualityReason",
    "SourceError",
    "Stream",
    "StreamAnalyzer",
    "StreamSettings",
    "analyze",
    "draw_faces",
    "stream",
]

__version__ = version("emolens")

# Loaded on first use: OpenCV, which they need, changes LD_LIBRARY_PATH when it is imported, and
# importing emolens must leave the environment alone and be quick.
_LOADED_ON_USE = {
    "Clip": "emolens.media.clip",
    "ImageAnalyzer": "emolens.pipeline.analyzer",
    "Picture": "emolens.pipeline.analyzer",
    "Stream": "emolens.pipeline.streaming",
    "StreamAnalyzer": "emolens.pipeline.stream",
    "StreamSettings": "emolens.pipeline.stream",
    "analyze": "emolens.pipeline.analyzer",
    "draw_faces": "emolens.rendering.overlay",
    "stream": "emolens.pipeline.streaming",
}


def __getattr__(name: str) -> object:
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_LOADED_ON_USE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
