"""Model files of an analysis, loaded and verified once and shared by its stages."""

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
from emolens.pipeline.confidence import check_min_confidence
from emolens.runtime.catalogue import DEFAULT_ALIAS, DEFAULT_EMOTION_MODEL
from emolens.runtime.model_file import EmotionModel, load_emotion_model
from emolens.runtime.thresholds import Threshold, find_threshold

if TYPE_CHECKING:
    from emolens.explanation import FaceExplainer, MapKind
    from emolens.pipeline.stream import StreamAnalyzer
    from emolens.pipeline.stream_settings import StreamSettings

# More threads do not speed up a single face.
_MAX_THREADS: Final = 4


class Models:
    """A set of shared models: detector, landmark network and emotion model.

    Each model is loaded on first use. All analyzers, explainers and detectors from this set share
    it. The set, its classifier, explainer and detectors, and every `ImageAnalyzer` are thread-safe.
    A `StreamAnalyzer` keeps the state of one stream: create one per stream and call it from one
    thread at a time.

    Args:
        model: Name of an emotion model, or path of an `.onnx` file from `emolens export`.
        detector: Name of a face detector.
        n_threads: Threads per call of a model; by default all cores, at most 4.

    Raises:
        ConfigError: The detector is unknown, or `n_threads` is below 1.
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
            raise ConfigError(f"n_threads is {n_threads}; allowed: 1 or more")
        self._model_name = model
        self._detector_name = detector
        self._n_threads = n_threads or min(os.cpu_count() or 1, _MAX_THREADS)
        self._loading = threading.Lock()
        self._emotion: EmotionModel | None = None
        self._detection: DetectorModels | None = None
        self._explainers: dict[MapKind, FaceExplainer] = {}

    @property
    def model_name(self) -> str:
        """The name or path of the emotion model, with the default resolved to its name."""
        name = str(self._model_name)
        return DEFAULT_EMOTION_MODEL if name == DEFAULT_ALIAS else name

    @property
    def classifier(self) -> OnnxEmotionClassifier:
        """The expression classifier.

        Raises:
            ModelError: The model cannot be loaded.
        """
        return OnnxEmotionClassifier(self._emotion_model())

    @property
    def explainer(self) -> "FaceExplainer":
        """The explainer with the default kind of map of the emotion model.

        Raises:
            ModelError: The model cannot be loaded.
        """
        return self.explainer_of(self.default_map_kind)

    @property
    def default_map_kind(self) -> "MapKind":
        """The kind of map whose agreement with the emotion model is the best of those measured.

        Raises:
            ModelError: The model cannot be loaded.
        """
        from emolens.explanation.agreement import default_kind  # noqa: PLC0415 (rarely used)

        return default_kind(self._emotion_model().sha256)

    def explainer_of(self, kind: "MapKind") -> "FaceExplainer":
        """Return the explainer with a kind of map.

        Raises:
            ModelError: The model cannot be loaded, or has no activation maps.
        """
        from emolens.explanation import (  # noqa: PLC0415 (rarely used)
            ActivationExplainer,
            MapKind,
            OcclusionExplainer,
        )

        model = self._emotion_model()
        with self._loading:
            if kind not in self._explainers:
                self._explainers[kind] = (
                    ActivationExplainer(model)
                    if kind is MapKind.ACTIVATION
                    else OcclusionExplainer(OnnxEmotionClassifier(model))
                )
            return self._explainers[kind]

    def threshold(self, at_least: float) -> Threshold:
        """Return the minimum confidence at which the emotion model reaches an accuracy.

            threshold = models.threshold(at_least=0.9)
            analyzer = models.image_analyzer(min_confidence=threshold.min_confidence)

        A label is right if it is the majority vote of the raters. The accuracy is an average over
        faces like FER2013's, measured without near-duplicates of training faces. It is no guarantee
        for other photographs or a single face.

        Args:
            at_least: Accuracy of the labels, 0 to 1.

        Raises:
            ConfigError: `at_least` is out of range or not reached, or the model was not measured.
            ModelError: The model cannot be loaded.
        """
        return find_threshold(self._emotion_model().sha256, at_least)

    def detector(self, *, detector_px: int | None = None, sideways: bool = False) -> FaceDetector:
        """Create a face detector.

        Args:
            detector_px: Longer side of its input for a 4:3 image in pixels, 128 to 16384. Larger
                values detect smaller faces and take longer. None chooses it by image size and
                aspect ratio.
            sideways: If no face is detected, retry with the image rotated by 90, 180 and 270
                degrees.

        Raises:
            ConfigError: `detector_px` is out of range.
            ModelError: The detector is not installed, or its file is modified.
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
        min_confidence: float = 0.0,
    ) -> ImageAnalyzer:
        """Create an analyzer of single images.

        Args:
            face_crops: Treat every image as a single cropped face and use no detector.
            detector_px: See `detector`.
            sideways: See `detector`.
            max_pixels: Maximum width x height of a decoded image file.
            min_confidence: Minimum probability of a label, 0 to 1. A face below it has no label.

        Raises:
            ConfigError: A number is out of range, or `detector_px` is combined with `face_crops`.
            ModelError: A model is unknown, missing, damaged or modified.
        """
        check_min_confidence(min_confidence)
        check_detector_px(detector_px)
        check_face_crops(face_crops=face_crops, detector_px=detector_px)
        detector = None if face_crops else self.detector(detector_px=detector_px, sideways=sideways)
        return ImageAnalyzer(
            detector, self.classifier, max_pixels=max_pixels, min_confidence=min_confidence
        )

    def stream_analyzer(
        self, *, tracker: str | None = None, settings: "StreamSettings | None" = None
    ) -> "StreamAnalyzer":
        """Create an analyzer of one stream, with its own state.

        Args:
            tracker: Name of a tracker; ByteTrack by default.
            settings: Rates and limits of the stages.

        Raises:
            ConfigError: The tracker is unknown, or a setting is out of range.
            ModelError: A model is unknown, missing, damaged or modified.
        """
        # Importing trackers takes longer than analysing an image.
        from emolens.pipeline.stream import StreamAnalyzer  # noqa: PLC0415 (images need no tracker)
        from emolens.pipeline.stream_settings import StreamSettings  # noqa: PLC0415 (images need no tracker)
        from emolens.tracking import DEFAULT_TRACKER, build_tracker  # noqa: PLC0415 (images need no tracker)

        settings = settings or StreamSettings()
        return StreamAnalyzer(
            self.detector(detector_px=settings.resolve_detector_px(self._detector_name)),
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
