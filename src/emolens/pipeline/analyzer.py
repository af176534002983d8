"""Analysis of single images: decode, detect, crop and classify."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import ConfigError
from emolens.core.face import FaceDetection
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box, Framing
from emolens.core.ports import EmotionClassifier, FaceDetector
from emolens.detection import (
    DEFAULT_DETECTOR,
    build_detector,
    check_detector_name,
    check_detector_px,
    detection_warnings,
)
from emolens.imaging.decode import MAX_PIXELS
from emolens.imaging.exposure import light_warnings
from emolens.imaging.inputs import ImageInput, load_image
from emolens.media.addresses import refuse_addresses
from emolens.pipeline.confidence import check_min_confidence
from emolens.pipeline.framed_face import FramedFace, cut_faces, detect_regions

if TYPE_CHECKING:
    from emolens.contract import Provenance

# More threads do not speed up a single face.
_MAX_THREADS = 4


class ImageAnalyzer:
    """An analyzer that detects faces in images and classifies their apparent expression.

    Reuse one analyzer for many images, because it loads the models once. It keeps no state between
    images, so threads may share it. Load one in each worker process: an analyzer inherited by a
    fork works, but loads its models again in the child process.

    Args:
        detector: Face detector, or None if every image is a single cropped face.
        classifier: Expression classifier.
        max_pixels: Maximum width x height of a decoded image file.
        min_confidence: Minimum probability of a label, 0 to 1. A face below it has no label, like
            one that cannot be assessed, but no reason against an assessment.

    Raises:
        ConfigError: `min_confidence` is out of range.
    """

    def __init__(
        self,
        detector: FaceDetector | None,
        classifier: EmotionClassifier,
        *,
        max_pixels: int = MAX_PIXELS,
        min_confidence: float = 0.0,
    ) -> None:
        check_min_confidence(min_confidence)
        self._detector = detector
        self._classifier = classifier
        self._max_pixels = max_pixels
        self._min_confidence = min_confidence

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
        min_confidence: float = 0.0,
    ) -> Self:
        """Load the models.

        Args:
            model: Name of an emotion model, or path of an `.onnx` file from `emolens export`.
            detector: Name of a face detector.
            face_crops: Treat every image as a single cropped face and load no detector.
            n_threads: Threads per call; by default all cores, at most 4.
            detector_px: Longer side of the detector's input for a 4:3 image in pixels, 128 to
                16384. Larger values detect smaller faces and take longer. None chooses it by image
                size and aspect ratio.
            sideways: If no face is detected, retry with the image rotated by 90, 180 and 270
                degrees.
            max_pixels: Maximum width x height of a decoded image file.
            min_confidence: Minimum probability of a label, 0 to 1; see the class.

        Raises:
            ModelError: A model is unknown, missing, damaged or modified.
            ConfigError: The detector is unknown, a number is out of range, or `detector_px` is
                combined with `face_crops`.
        """
        check_min_confidence(min_confidence)
        threads = n_threads or min(os.cpu_count() or 1, _MAX_THREADS)
        check_detector_name(detector)
        check_detector_px(detector_px)
        check_face_crops(face_crops=face_crops, detector_px=detector_px)
        face_detector = (
            None
            if face_crops
            else build_detector(
                detector, long_side_px=detector_px, n_threads=threads, sideways=sideways
            )
        )
        classifier = OnnxEmotionClassifier.load(model, n_threads=threads)
        return cls(face_detector, classifier, max_pixels=max_pixels, min_confidence=min_confidence)

    @property
    def framing(self) -> Framing:
        """Position of the classifier's crops relative to the boxes of faces."""
        return Framing(0, 0, 1) if self._detector is None else self._detector.framing

    @property
    def crop_px(self) -> int:
        """Side of the crops that are classified, in pixels."""
        return self._classifier.input_spec.size_px

    @property
    def provenance(self) -> "Provenance":
        """The record of how results are made now, without an input."""
        from emolens.pipeline.provenance import provenance  # noqa: PLC0415 (pydantic is slow to load)

        return provenance(
            {
                "face_crops": self._detector is None,
                "sideways": False,
                "min_confidence": self._min_confidence,
            },
            self._classifier,
            self._detector,
        )

    def analyze(self, source: ImageInput) -> FrameResult:
        """Detect all faces of an image and classify their apparent expression.

        Args:
            source: A path, the bytes of an image file, a file open in binary mode, a Pillow
                image, or a uint8 array: (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA.

        Returns:
            The result with all faces, largest first. It may have no faces.

        Raises:
            ConfigError: The image is an address (`http://...`).
            InputError: The image cannot be read. The subclass gives the cause.
        """
        if isinstance(source, str):
            refuse_addresses([source])
        loaded = load_image(source, max_pixels=self._max_pixels)
        return self.analyze_image(loaded.image, warnings=loaded.warnings)

    def analyze_image(
        self, image: npt.NDArray[np.uint8], *, warnings: tuple[str, ...] = ()
    ) -> FrameResult:
        """Analyse a uint8 (H, W, 3) BGR image that is already in memory.

        Args:
            image: uint8 (H, W, 3) BGR.
            warnings: Warnings to prepend to those of the result.

        Returns:
            The result with all faces, largest first. It may have no faces.
        """
        started = time.perf_counter()
        regions = self._detect_regions(image)
        detected = time.perf_counter()
        framed = self._cut(image, regions)
        scores = self._classifier.classify([face.crop for face in framed])
        classified = time.perf_counter()
        faces = tuple(
            face.to_result(score, min_confidence=self._min_confidence)
            for face, score in zip(framed, scores, strict=True)
        )
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
        """Detect and crop all faces of a uint8 (H, W, 3) BGR image, without classifying them.

        Returns:
            The cropped faces, largest first, as `analyze_image` classifies them.
        """
        return self._cut(image, self._detect_regions(image))

    def _cut(
        self,
        image: npt.NDArray[np.uint8],
        regions: Sequence[tuple[Box, FaceDetection | None]],
    ) -> list[FramedFace]:
        return cut_faces(image, regions, size_px=self.crop_px)

    def _detect_regions(
        self, image: npt.NDArray[np.uint8]
    ) -> Sequence[tuple[Box, FaceDetection | None]]:
        """Return the squares to classify, each with its detection."""
        if self._detector is None:
            height, width = image.shape[:2]
            # A crop that is not square is padded around its centre rather than stretched.
            return [(Box(0, 0, width, height).to_square(), None)]
        return detect_regions(self._detector, image)


def check_face_crops(*, face_crops: bool, detector_px: int | None) -> None:
    """Check that no detector size is given if no detector runs.

    Raises:
        ConfigError: Both options are given.
    """
    if face_crops and detector_px is not None:
        raise ConfigError(
            "detector_px (--detector-px) has no effect with face_crops (--face-crops). Omit one of "
            "them."
        )
