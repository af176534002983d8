"""emolens: apparent facial expressions from images and video, on a plain CPU, offline.

    import emolens

    result = emolens.analyze("photo.jpg")
    print(result)
    result.faces[0].label          # Emotion.HAPPY, or None where emolens abstains
    result.to_dict(), result.to_json(), result.to_rows()

    for result in emolens.stream(0):                  # a camera, URL, video file or folder
        print(result.media_time_s, *result.faces)     # result.frame is the image

    recorded = emolens.analyze_video("clip.mp4", emolens.VideoJob(tables=["faces.csv"]))

To analyse many images, create one analyzer: `analyzer = emolens.ImageAnalyzer.load()`. To run
several analyzers, such as one per stream, create them from one `models = emolens.Models()`.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers treat it as True; importing `typing` is slow

if TYPE_CHECKING:
    from emolens.contract import (
        IMAGE_TABLE_COLUMNS,
        ROW_COLUMNS,
        SCHEMA_VERSION,
        TABLE_COLUMNS,
        TRACK_COLUMNS,
        Provenance,
    )
    from emolens.core.emotion import LABELS, Emotion, EmotionScores
    from emolens.core.errors import (
        BrokenLibraryError,
        ConfigError,
        DamagedImageError,
        DatasetError,
        EmolensError,
        EmptyFileError,
        ImageTooLargeError,
        InputError,
        InputNotFoundError,
        MissingExtraError,
        ModelError,
        OutputError,
        ProcessingError,
        RenamedModelWarning,
        SourceError,
        UnsupportedFormatError,
    )
    from emolens.core.face import FaceDetection, FaceQuality, FaceResult, FaceRoll, QualityReason
    from emolens.core.frame import Frame, FrameResult
    from emolens.core.geometry import Box
    from emolens.core.manifest import InputSpec, ModelManifest
    from emolens.core.ports import FrameSource, ResultSink, SourceReport
    from emolens.imaging.inputs import ImageInput
    from emolens.jobs.cite import read_provenance
    from emolens.jobs.drawing import DrawOptions
    from emolens.jobs.video import Recorded, VideoJob, analyze_video
    from emolens.media.clip import Clip
    from emolens.media.push_source import PushSource
    from emolens.pipeline.analysis import analyze
    from emolens.pipeline.analyzer import ImageAnalyzer
    from emolens.pipeline.models import Models
    from emolens.pipeline.stream import StreamAnalyzer
    from emolens.pipeline.stream_settings import StreamSettings
    from emolens.pipeline.streaming import Stream, stream
    from emolens.rendering.overlay import draw_faces
    from emolens.sessions.session import Session, SessionSummary
    from emolens.sessions.track_summary import TrackSummary

    __version__: str

__all__ = [
    "IMAGE_TABLE_COLUMNS",
    "LABELS",
    "ROW_COLUMNS",
    "SCHEMA_VERSION",
    "TABLE_COLUMNS",
    "TRACK_COLUMNS",
    "Box",
    "BrokenLibraryError",
    "Clip",
    "ConfigError",
    "DamagedImageError",
    "DatasetError",
    "DrawOptions",
    "EmolensError",
    "Emotion",
    "EmotionScores",
    "EmptyFileError",
    "FaceDetection",
    "FaceQuality",
    "FaceResult",
    "FaceRoll",
    "Frame",
    "FrameResult",
    "FrameSource",
    "ImageAnalyzer",
    "ImageInput",
    "ImageTooLargeError",
    "InputError",
    "InputNotFoundError",
    "InputSpec",
    "MissingExtraError",
    "ModelError",
    "ModelManifest",
    "Models",
    "OutputError",
    "ProcessingError",
    "Provenance",
    "PushSource",
    "QualityReason",
    "Recorded",
    "RenamedModelWarning",
    "ResultSink",
    "Session",
    "SessionSummary",
    "SourceError",
    "SourceReport",
    "Stream",
    "StreamAnalyzer",
    "StreamSettings",
    "TrackSummary",
    "UnsupportedFormatError",
    "VideoJob",
    "analyze",
    "analyze_video",
    "draw_faces",
    "read_provenance",
    "stream",
]

# Loaded on first use. Many names need OpenCV, whose import changes LD_LIBRARY_PATH, and importing
# emolens must not change the environment. The import must also be fast: Ctrl-C cannot be handled
# before the command line is loaded, which imports this module.
_LOADED_ON_USE = {
    "emolens.contract": (
        "IMAGE_TABLE_COLUMNS",
        "ROW_COLUMNS",
        "SCHEMA_VERSION",
        "TABLE_COLUMNS",
        "Provenance",
        "TRACK_COLUMNS",
    ),
    "emolens.core.emotion": (
        "LABELS",
        "Emotion",
        "EmotionScores",
    ),
    "emolens.core.errors": (
        "BrokenLibraryError",
        "ConfigError",
        "DamagedImageError",
        "DatasetError",
        "EmolensError",
        "EmptyFileError",
        "ImageTooLargeError",
        "InputError",
        "InputNotFoundError",
        "MissingExtraError",
        "ModelError",
        "OutputError",
        "ProcessingError",
        "RenamedModelWarning",
        "SourceError",
        "UnsupportedFormatError",
    ),
    "emolens.core.face": (
        "FaceDetection",
        "FaceQuality",
        "FaceResult",
        "FaceRoll",
        "QualityReason",
    ),
    "emolens.core.frame": (
        "Frame",
        "FrameResult",
    ),
    "emolens.core.geometry": ("Box",),
    "emolens.core.manifest": (
        "InputSpec",
        "ModelManifest",
    ),
    "emolens.core.ports": (
        "FrameSource",
        "ResultSink",
        "SourceReport",
    ),
    "emolens.imaging.inputs": ("ImageInput",),
    "emolens.jobs.cite": ("read_provenance",),
    "emolens.jobs.drawing": ("DrawOptions",),
    "emolens.jobs.video": (
        "Recorded",
        "VideoJob",
        "analyze_video",
    ),
    "emolens.media.clip": ("Clip",),
    "emolens.media.push_source": ("PushSource",),
    "emolens.pipeline.analysis": ("analyze",),
    "emolens.pipeline.analyzer": ("ImageAnalyzer",),
    "emolens.pipeline.models": ("Models",),
    "emolens.pipeline.stream": ("StreamAnalyzer",),
    "emolens.pipeline.stream_settings": ("StreamSettings",),
    "emolens.pipeline.streaming": (
        "Stream",
        "stream",
    ),
    "emolens.rendering.overlay": ("draw_faces",),
    "emolens.sessions.session": (
        "Session",
        "SessionSummary",
    ),
    "emolens.sessions.track_summary": ("TrackSummary",),
}
_MODULES = {name: module for module, names in _LOADED_ON_USE.items() for name in names}


def __getattr__(name: str) -> object:
    value: object
    if name == "__version__":
        value = import_module("importlib.metadata").version("emolens")
    elif name in _MODULES:
        # Report a missing or broken library in one line instead of a long traceback.
        with import_module("emolens.core.libraries").explaining_imports():
            value = getattr(import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
