"""The model files of an analysis, each read and verified once and shared by whoever needs it."""

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import ConfigError
from emolens.core.ports import FaceDetector
from emolens.detection import (
    DEFAULT_DETECTOR,
    DetectorModels,
    assemble_detector,
    check_detector_name,
    check_detector_px,
    load_detector_models,
)
from emolens.imaging.decode import MAX_PIXELS
from emolens.pipeline.analyzer import ImageAnalyzer, check_face_crops
from emolens.runtime.catalogue import DEFAULT_ALIAS, DEFAULT_EMOTION_MODEL
from emolens.runtime.model_file import EmotionModel, load_emotion_model

if TYPE_CHECKING:
    from emolens.explanation.activation import ActivationExplainer
    from emolens.pipeline.stream import StreamAnalyzer
    from emolens.pipeline.stream_settings import StreamSettings

# More threads than this gain nothing for one face.
_MAX_THREADS: Final = 4


class Models:
    """Everything that is loaded once: detector, landmark network, emotion model.

    Nothing is read before it is needed. From then on all analyzers, explainers and detectors that
    are handed out share it, and so may threads: the bundle itself, its classifier, explainer and
    detectors, and every `ImageAnalyzer`. A `StreamAnalyzer` keeps the state of one stream: make one
    for each stream and call it from one thread at a time.

    Args:
        model: Name of an emotion model, or the path of an `.onnx` file from `emolens export`.
        detector: Name of a face detector.
        n_threads: Threads that one call of a model may use; by default all cores, at most 4.

    Raises:
        ConfigError: The detector is unknown, or `n_threads` below 1.
    """

    def __init__(
        self,
        *,
        model: str | Path = "default",
        detector: str = DEFAULT_DETECTOR,
        n_threads: int | None = None,
    ) -> None:
        check_detector_name(detector)
        if n_threads is not None and n_threads < 1:
            raise ConfigError(f"n_threads must be at least 1, got {n_threads}")
        self._model_name = model
        self._detector_name = detector
        self._n_threads = n_threads or min(os.cpu_count() or 1, _MAX_THREADS)
        self._loading = threading.Lock()
        self._emotion: EmotionModel | None = None
        self._detection: DetectorModels | None = None
        self._explainer: ActivationExplainer | None = None

    @property
    def model_name(self) -> str:
        """The name or path of the emotion model, that of the default one included."""
        name = str(self._model_name)
        return DEFAULT_EMOTION_MODEL if name == DEFAULT_ALIAS else name

    @property
    def classifier(self) -> OnnxEmotionClassifier:
        """Names the expressions of face crops; raises `ModelError` if the model cannot be used."""
        return OnnxEmotionClassifier(self._emotion_model())

    @property
    def explainer(self) -> "ActivationExplainer":
        """Says where in a face the evidence lies; raises `ModelError` if the model has no maps."""
        from emolens.explanation.activation import (  # noqa: PLC0415 (few need it)
            ActivationExplainer,
        )

        model = self._emotion_model()
        with self._loading:
            if self._explainer is None:
                self._explainer = ActivationExplainer(model)
            return self._explainer

    def detector(self, *, detector_px: int | None = None, sideways: bool = False) -> FaceDetector:
        """A face detector.

        Args:
            detector_px: Longer side of what it sees of a 4:3 image, 128 to 16384: more finds
                smaller faces and takes longer. None chooses by size and shape of an image.
            sideways: Search an image in which no face is found again, turned by a quarter, a half
                and three quarters.

        Raises:
            ConfigError: `detector_px` is out of range.
            ModelError: The detector is not installed, or its file is altered.
        """
        check_detector_px(detector_px)
        return assemble_detector(
            self._detector_models(), long_side_px=detector_px, sideways=sideways
        )

    def image_analyzer(
        self,
        *,
        face_crops: bool = False,
        detector_px: int | None = None,
        sideways: bool = True,
        max_pixels: int = MAX_PIXELS,
    ) -> ImageAnalyzer:
        """An analyzer of single images.

        Args:
            face_crops: Take every image as one face that is cut out already; no detector.
            detector_px: As for `detector`.
            sideways: As for `detector`.
            max_pixels: Largest width x height of an image file that is decoded.

        Raises:
            ConfigError: `detector_px` is out of range, or given with `face_crops`.
            ModelError: A model is unknown, missing, damaged or altered.
        """
        check_detector_px(detector_px)
        check_face_crops(face_crops=face_crops, detector_px=detector_px)
        finder = None if face_crops else self.detector(detector_px=detector_px, sideways=sideways)
        return ImageAnalyzer(finder, self.classifier, max_pixels=max_pixels)

    def stream_analyzer(
        self, *, tracker: str | None = None, settings: "StreamSettings | None" = None
    ) -> "StreamAnalyzer":
        """An analyzer of one stream, with a state of its own.

        Args:
            tracker: Name of a tracker; ByteTrack unless given.
            settings: How often what is done.

        Raises:
            ConfigError: The tracker or a setting is unknown or out of range.
            ModelError: A model is unknown, missing, damaged or altered.
        """
        # Trackers take longer to load than an image to be analysed.
        from emolens.pipeline.stream import StreamAnalyzer  # noqa: PLC0415
        from emolens.pipeline.stream_settings import StreamSettings  # noqa: PLC0415
        from emolens.tracking import DEFAULT_TRACKER, build_tracker  # noqa: PLC0415

        settings = settings or StreamSettings()
        return StreamAnalyzer(
            self.detector(detector_px=settings.search_px(self._detector_name)),
            self.classifier,
            tracker=build_tracker(tracker or DEFAULT_TRACKER),
            settings=replace(settings, detector_px=None),
        )

    def _emotion_model(self) -> EmotionModel:
        with self._loading:
            if self._emotion is None:
                self._emotion = load_emotion_model(self._model_name, n_threads=self._n_threads)
            return self._emotion

    def _detector_models(self) -> DetectorModels:
        with self._loading:
            if self._detection is None:
                self._detection = load_detector_models(
                    self._detector_name, n_threads=self._n_threads
                )
            return self._detection
