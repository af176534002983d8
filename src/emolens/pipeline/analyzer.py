"""One image in, every face named: decode, detect, frame, crop, classify."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

import numpy as np
import numpy.typing as npt

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import ConfigError, InputError
from emolens.core.face import FaceDetection
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box
from emolens.core.ports import EmotionClassifier, FaceDetector
from emolens.detection import (
    DEFAULT_DETECTOR,
    build_detector,
    check_detector_name,
    check_detector_px,
    detection_warnings,
)
from emolens.imaging.decode import MAX_PIXELS, as_bgr, decode_image, read_image
from emolens.imaging.exposure import light_warnings
from emolens.pipeline.framed_face import FramedFace, cut_faces, face_region

ImageInput = str | os.PathLike[str] | bytes | npt.NDArray[np.uint8]
# More threads than this gain nothing for one face.
_MAX_THREADS = 4


class ImageAnalyzer:
    """Finds the faces of images and names their apparent expressions.

    Keep one and use it for many images: the models are loaded once. It holds no state between
    images, so threads may share one. Load one in each worker process: one that was inherited in a
    fork works too, but loads its models again in the child.

    Args:
        detector: Finds the faces, or None where every image is one face, already cut out.
        classifier: Names the expressions.
        max_pixels: Largest width x height of an image file that is decoded.
    """

    def __init__(
        self,
        detector: FaceDetector | None,
        classifier: EmotionClassifier,
        *,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._detector = detector
        self._classifier = classifier
        self._max_pixels = max_pixels

    @classmethod
    def load(
        cls,
        *,
        model: str | Path = "default",
        detector: str = DEFAULT_DETECTOR,
        face_crops: bool = False,
        n_threads: int | None = None,
        detector_px: int | None = None,
        sideways: bool = True,
        max_pixels: int = MAX_PIXELS,
    ) -> Self:
        """Load the models.

        Args:
            model: Name of an emotion model, or the path of an `.onnx` file from `emolens export`.
            detector: Name of a face detector.
            face_crops: Take every image as one face that is cut out already; no detector.
            n_threads: Threads one call may use; by default all cores, at most 4.
            detector_px: Longer side of what the detector sees of a 4:3 image, 128 to 16384: more
                finds smaller faces and takes longer. None chooses by size and shape of an image.
            sideways: Look at an image in which no face is found again, turned by a quarter, a half
                and three quarters.
            max_pixels: Largest width x height of an image file that is decoded.

        Raises:
            ModelError: A model is unknown, missing, damaged or altered.
            ConfigError: The detector is unknown, or `detector_px` out of range or given with
                `face_crops`.
        """
        threads = n_threads or min(os.cpu_count() or 1, _MAX_THREADS)
        check_detector_name(detector)
        check_detector_px(detector_px)
        check_face_crops(face_crops=face_crops, detector_px=detector_px)
        finder = (
            None
            if face_crops
            else build_detector(
                detector, long_side_px=detector_px, n_threads=threads, sideways=sideways
            )
        )
        classifier = OnnxEmotionClassifier.load(model, n_threads=threads)
        return cls(finder, classifier, max_pixels=max_pixels)

    def analyze(self, source: ImageInput) -> FrameResult:
        """Find and name every face of an image.

        Args:
            source: A path, the bytes of an image file, or a uint8 array: (H, W) grey,
                (H, W, 3) BGR or (H, W, 4) BGRA.

        Returns:
            The faces, largest first; none where there is no face.

        Raises:
            InputError: The image cannot be read; its subclasses say why.
        """
        image, warnings = load_image(source, self._max_pixels)
        return self.analyze_image(image, warnings=warnings)

    def analyze_image(
        self, image: npt.NDArray[np.uint8], *, warnings: tuple[str, ...] = ()
    ) -> FrameResult:
        """Find and name every face of a uint8 (H, W, 3) BGR image already in memory."""
        started = time.perf_counter()
        regions = self._find_regions(image)
        detected = time.perf_counter()
        framed = self._cut(image, regions)
        scores = self._classifier.classify([face.crop for face in framed])
        classified = time.perf_counter()
        faces = tuple(face.named(score) for face, score in zip(framed, scores, strict=True))
        timings = {
            "detection": (detected - started) * 1e3,
            "classification": (classified - detected) * 1e3,
        }
        height, width = image.shape[:2]
        warnings += light_warnings(image, has_faces=bool(faces))
        if self._detector is not None:
            warnings += detection_warnings(self._detector, (width, height))
        return FrameResult(
            (width, height), faces, timings_ms=MappingProxyType(timings), warnings=warnings
        )

    def frame_faces(self, image: npt.NDArray[np.uint8]) -> list[FramedFace]:
        """Find every face of a uint8 (H, W, 3) BGR image and cut it out, without naming it.

        Returns:
            The faces, largest first, as `analyze_image` reads them; none where there is no face.
        """
        return self._cut(image, self._find_regions(image))

    def _cut(
        self,
        image: npt.NDArray[np.uint8],
        regions: Sequence[tuple[Box, FaceDetection | None]],
    ) -> list[FramedFace]:
        return cut_faces(image, regions, size_px=self._classifier.input_spec.size_px)

    def _find_regions(
        self, image: npt.NDArray[np.uint8]
    ) -> Sequence[tuple[Box, FaceDetection | None]]:
        """The squares to read, each with the detection behind it."""
        if self._detector is None:
            height, width = image.shape[:2]
            # A crop that is not square is padded around its middle rather than stretched.
            return [(Box(0, 0, width, height).to_square(), None)]
        framing = self._detector.framing
        return [face_region(found, framing) for found in self._detector.detect(image)]


def check_face_crops(*, face_crops: bool, detector_px: int | None) -> None:
    """Raise `ConfigError` for a detector's size where no detector runs."""
    if face_crops and detector_px is not None:
        raise ConfigError("face crops need no detector; leave detector_px (--detector-px) away")


def load_image(
    source: ImageInput, max_pixels: int
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """An image as a uint8 (H, W, 3) BGR array, and warnings on how it was read.

    Raises:
        InputError: It cannot be read; its subclasses say why.
    """
    if isinstance(source, np.ndarray):
        return as_bgr(source), ()
    if isinstance(source, bytes):
        decoded = decode_image(source, max_pixels=max_pixels)
    elif isinstance(source, str | os.PathLike):
        decoded = read_image(source, max_pixels=max_pixels)
    else:
        raise InputError(f"an image is a path, bytes or a uint8 array, got {type(source).__name__}")
    return decoded.image, decoded.warnings
