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

TYPE_CHECKING = False  # as type checkers read it; `typing` is slow to load

if TYPE_CHECKING:
    from emolens.core.emotion import LABELS, Emotion, EmotionScores
    from emolens.core.errors import (
        BrokenLibraryError,
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
    from emolens.core.face import FaceDetection, FaceQuality, FaceResult, FaceRoll, QualityReason
    from emolens.core.frame import ROW_COLUMNS, Frame, FrameResult
    from emolens.core.geometry import Box
    from emolens.core.manifest import InputSpec, ModelManifest
    from emolens.media.clip import Clip
    from emolens.pipeline.analyzer import ImageAnalyzer, Picture, analyze
    from emolens.pipeline.stream import StreamAnalyzer
    from emolens.pipeline.stream_settings import StreamSettings
    from emolens.pipeline.streaming import Stream, stream
    from emolens.rendering.overlay import draw_faces

    __version__: str

__all__ = [
    "LABELS",
    "ROW_COLUMNS",
    "Box",
    "BrokenLibraryError",
    "Clip",
    "ConfigError",
    "DatasetError",
    "EmolensError",
    "Emotion",
    "EmotionScores",
    "FaceDetection",
    "FaceQuality",
    "FaceResult",
    "FaceRoll",
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

# Loaded on first use: OpenCV, which many of them need, changes LD_LIBRARY_PATH when it is imported,
# and importing emolens must leave the environment alone. It must also be quick: until the command
# line has been loaded by way of this module, nothing can be done about Ctrl-C.
_LOADED_ON_USE = {
    "emolens.core.emotion": ("LABELS", "Emotion", "EmotionScores"),
    "emolens.core.errors": (
        *("BrokenLibraryError", "ConfigError", "DatasetError", "EmolensError", "InputError"),
        *("MissingExtraError", "ModelError", "OutputError", "ProcessingError", "SourceError"),
    ),
    "emolens.core.face": (
        "FaceDetection",
        "FaceQuality",
        "FaceResult",
        "FaceRoll",
        "QualityReason",
    ),
    "emolens.core.frame": ("ROW_COLUMNS", "Frame", "FrameResult"),
    "emolens.core.geometry": ("Box",),
    "emolens.core.manifest": ("InputSpec", "ModelManifest"),
    "emolens.media.clip": ("Clip",),
    "emolens.pipeline.analyzer": ("ImageAnalyzer", "Picture", "analyze"),
    "emolens.pipeline.stream": ("StreamAnalyzer",),
    "emolens.pipeline.stream_settings": ("StreamSettings",),
    "emolens.pipeline.streaming": ("Stream", "stream"),
    "emolens.rendering.overlay": ("draw_faces",),
}
_MODULES = {name: module for module, names in _LOADED_ON_USE.items() for name in names}


def __getattr__(name: str) -> object:
    value: object
    if name == "__version__":
        value = import_module("importlib.metadata").version("emolens")
    elif name in _MODULES:
        # A library that is missing or broken is told in one line, not by where it came to light.
        with import_module("emolens.core.libraries").explaining_imports():
            value = getattr(import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
