"""emolens: apparent facial expressions from pictures, on a plain CPU, offline.

    import emolens

    result = emolens.analyze("photo.jpg")
    print(result)
    result.faces[0].label          # Emotion.HAPPY, or None where emolens abstains
    result.to_dict(), result.to_json(), result.to_rows()

For many pictures keep one analyzer: `analyzer = emolens.ImageAnalyzer.load()`.
"""

from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from emolens.core.emotion import LABELS, Emotion, EmotionScores
from emolens.core.errors import (
    ConfigError,
    DatasetError,
    EmolensError,
    InputError,
    MissingExtraError,
    ModelError,
    OutputError,
    SourceError,
)
from emolens.core.face import FaceDetection, FaceQuality, FaceResult, QualityReason
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box
from emolens.core.manifest import InputSpec, ModelManifest
from emolens.pipeline.analyzer import ImageAnalyzer, Picture
from emolens.rendering.overlay import draw_faces

__all__ = [
    "LABELS",
    "Box",
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
    "QualityReason",
    "SourceError",
    "analyze",
    "draw_faces",
]

__version__ = version("emolens")


def analyze(
    picture: Picture,
    *,
    model: str | Path = "default",
    detector: str = "centerface",
    face_crops: bool = False,
) -> FrameResult:
    """Find and name every face of one picture.

    The models of the last calls are kept, so a loop over pictures loads them once.

    Args:
        picture: A path, the bytes of a picture file, or a uint8 array: (H, W) grey, (H, W, 3) BGR
            or (H, W, 4) BGRA.
        model: Name of an emotion model, or the path of an `.onnx` file from `emolens export`.
        detector: Name of a face detector, `"centerface"` or `"yunet"`.
        face_crops: Take the picture as one face that is cut out already.

    Returns:
        The faces, largest first; none where there is no face.

    Raises:
        InputError: The picture cannot be read.
        ModelError: A model is unknown, missing, damaged or altered.
        ConfigError: The detector is unknown.
    """
    return _analyzer(model, detector, face_crops).analyze(picture)


@lru_cache(maxsize=2)
def _analyzer(model: str | Path, detector: str, face_crops: bool) -> ImageAnalyzer:  # noqa: FBT001
    return ImageAnalyzer.load(model=model, detector=detector, face_crops=face_crops)
