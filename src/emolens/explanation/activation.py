"""Class-activation maps of face crops from the outputs of a model file, without torch or gradients.

If one linear layer follows global average pooling, the weights of class c at every position of the
last feature map give a map. Its mean is the logit of c without the bias. Up to a positive factor it
equals Grad-CAM before the ReLU, because the gradient of the logit is the same at every position:
the weights divided by the number of positions.

Source:
    Zhou et al. 2016, "Learning Deep Features for Discriminative Localization", section 2.
    Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization", section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from emolens.classification.onnx_classifier import OnnxEmotionClassifier, softmax
from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.errors import InputError, ModelError
from emolens.core.manifest import InputSpec
from emolens.core.ports import EmotionClassifier
from emolens.core.records import ArrayRecord
from emolens.explanation.placement import Centers, Floats, find_centers, resize_maps
from emolens.runtime.model_file import EmotionModel, load_emotion_model

_LOGITS, _CAM = "logits", "cam"


@dataclass(frozen=True, slots=True, eq=False)
class ActivationMaps(ArrayRecord):
    """Maps of the evidence for and against each class in one face.

    Attributes:
        maps: float32 (7, n, n), in the order of `Emotion`, rows from the top, read-only. A cell is
            evidence in units of the logit, positive for the class and negative against it. The mean
            over the cells is the logit without the bias.
        scores: Probabilities that the maps explain.
        centers: Centres of the n rows and of the n columns, as fractions of the side of the face
            (0 is the upper or left edge, 1 the lower or right one).
    """

    maps: Floats
    scores: EmotionScores
    centers: Centers

    def __post_init__(self) -> None:
        maps = np.array(self.maps, np.float32)
        n_cells = len(self.centers)
        if n_cells < 1 or maps.shape != (N_EMOTIONS, n_cells, n_cells):
            raise InputError(
                f"maps with {n_cells} centres must have the shape ({N_EMOTIONS}, {n_cells}, "
                f"{n_cells}); got {maps.shape}"
            )
        if not np.isfinite(maps).all():
            raise InputError("activation maps must be finite; the network returned inf or nan")
        maps.setflags(write=False)
        object.__setattr__(self, "maps", maps)

    def evidence(self, size_px: int) -> Floats:
        """Resize the signed maps to the size of a face: float32 (7, size_px, size_px)."""
        return resize_maps(self.maps, self.centers, size_px)

    def heat_map(self, emotion: Emotion, size_px: int) -> Floats:
        """Compute the activation map of one class.

        The map is resized, clipped at 0 and divided by its maximum. It shows the location of the
        evidence, not its amount. Compare classes with `heat_maps`.

        Returns:
            float32 (size_px, size_px), 0..1 with maximum 1; all 0 without evidence for the class.
        """
        return _heat(resize_maps(self.maps[emotion.index], self.centers, size_px))

    def heat_maps(self, size_px: int) -> Floats:
        """Compute the activation maps of all classes, on one scale.

        The maps are resized, clipped at 0 and divided by the maximum of all seven. Equal brightness
        is equal evidence.

        Returns:
            float32 (7, size_px, size_px), 0..1; all 0 without evidence for any class.
        """
        return _heat(self.evidence(size_px))


class FaceExplainer(EmotionClassifier, Protocol):
    """A classifier that also explains its predictions with activation maps."""

    def explain(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[ActivationMaps]:
        """Compute maps and scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in their order."""
        ...


class ActivationExplainer:
    """An explainer and classifier with class-activation maps of a model file.

    Implements `FaceExplainer`, so it can replace the classifier of an `ImageAnalyzer`.

    Args:
        model: The model.
        centers: Centres of the rows and columns of a map, as fractions of the side of a face; by
            default estimated by `emolens.explanation.placement.find_centers`.

    Raises:
        ModelError: The model has no maps.
    """

    def __init__(self, model: EmotionModel, *, centers: Centers | None = None) -> None:
        if _CAM not in model.session.output_names:
            raise ModelError(
                f"the model {model.manifest.name} has no class-activation maps, because dense "
                f"layers follow its pooling (outputs: {', '.join(model.session.output_names)}). "
                "Use Grad-CAM of its checkpoint: emolens explain IMAGE --model FILE.ckpt"
            )
        self._classifier = OnnxEmotionClassifier(model)
        self._centers = centers

    @classmethod
    def load(cls, name_or_path: str | Path = "default", *, n_threads: int = 1) -> Self:
        """Load a model by name or path; raises `ModelError` if it is unusable or has no maps."""
        return cls(load_emotion_model(name_or_path, n_threads=n_threads))

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the input."""
        return self._classifier.input_spec

    @property
    def centers(self) -> Centers:
        """Centres of the rows and columns of a map, estimated once, on first use."""
        if self._centers is None:
            self._centers = find_centers(self._maps, self.input_spec.size_px)
        return self._centers

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Classify uint8 crops, (H, W) grey or (H, W, 3) BGR; the scores are calibrated."""
        return self._classifier.classify(crops)

    def explain(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[ActivationMaps]:
        """Compute maps and calibrated scores of crops.

        Args:
            crops: uint8, (H, W) grey or (H, W, 3) BGR, of any size. A crop that is not square is
                padded around its centre. Its maps cover the padded square.

        Returns:
            One result per crop, in the same order.

        Raises:
            InputError: A crop has another type or shape, or no pixels.
            ModelError: The model returned numbers that are not finite.
        """
        logits, maps = self._classifier.run(crops, (_LOGITS, _CAM))
        probabilities = softmax(logits / self._classifier.manifest.temperature)
        return [
            ActivationMaps(of_face, EmotionScores(row), self.centers)
            for of_face, row in zip(maps, probabilities, strict=True)
        ]

    def _maps(self, crops: Sequence[npt.NDArray[np.uint8]]) -> Floats:
        (maps,) = self._classifier.run(crops, (_CAM,))
        return maps


def _heat(evidence: Floats) -> Floats:
    positive = np.maximum(evidence, 0)
    largest = positive.max()
    return positive / largest if largest > 0 else positive
