"""Class-activation maps of face crops, from what a model file gives anyway: no torch, no gradients.

Where one linear layer follows global average pooling, the weights of class c applied at every
position of the last feature map give a map whose mean is the logit of c without its bias. Up to a
positive factor that is also what Grad-CAM gives before its ReLU: there the gradient of the logit
with respect to every position is the same, the weights divided by the number of positions.

Source: Zhou et al. 2016, "Learning Deep Features for Discriminative Localization", section 2;
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
    """Where in one face the evidence for and against each class lies.

    Attributes:
        maps: float32 (7, n, n), in the order of `Emotion`, rows from the top, read-only. A cell is
            a logit's worth of evidence, positive for the class and negative against it; the mean
            over the cells is the logit without its bias.
        scores: The probabilities that the maps explain.
        centers: Where the n rows, and likewise the n columns, are centred in the face, as parts of
            its side (0 the upper or left edge, 1 the lower or right one).
    """

    maps: Floats
    scores: EmotionScores
    centers: Centers

    def __post_init__(self) -> None:
        maps = np.array(self.maps, np.float32)
        n_cells = len(self.centers)
        if n_cells < 1 or maps.shape != (N_EMOTIONS, n_cells, n_cells):
            raise InputError(
                f"maps of {n_cells} centres must have the shape ({N_EMOTIONS}, {n_cells}, "
                f"{n_cells}), one row and column a centre, got {maps.shape}"
            )
        if not np.isfinite(maps).all():
            raise InputError("activation maps must be finite; the network gave inf or nan")
        maps.setflags(write=False)
        object.__setattr__(self, "maps", maps)

    def evidence(self, size_px: int) -> Floats:
        """The maps with their signs, brought to a face's size: float32 (7, size_px, size_px)."""
        return resize_maps(self.maps, self.centers, size_px)

    def heat_map(self, emotion: Emotion, size_px: int) -> Floats:
        """Where the evidence for one class lies.

        The resized map, what is negative set to 0, divided by its own maximum. Brightness tells
        where, not how much: compare classes with `heat_maps`.

        Returns:
            float32 (size_px, size_px), 0..1, its maximum 1; all 0 where nothing speaks for the
            class.
        """
        return _heat(resize_maps(self.maps[emotion], self.centers, size_px))

    def heat_maps(self, size_px: int) -> Floats:
        """Where the evidence for all classes lies, on one scale.

        The resized maps, what is negative set to 0, divided by the maximum over all seven: equal
        brightness is equal evidence.

        Returns:
            float32 (7, size_px, size_px), 0..1; all 0 where nothing speaks for any class.
        """
        return _heat(self.evidence(size_px))


class FaceExplainer(EmotionClassifier, Protocol):
    """A classifier that also tells where the evidence for its answer lies."""

    def explain(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[ActivationMaps]:
        """Maps and scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in the order given."""
        ...


class ActivationExplainer:
    """Class-activation maps and scores from a verified model file.

    Implements `FaceExplainer`, so it also takes a classifier's place in `ImageAnalyzer`.

    Args:
        model: The model.
        centers: Where the map's rows and columns are centred in a face, as parts of its side; by
            default the model is asked (`emolens.explanation.placement.find_centers`).

    Raises:
        ModelError: The model has no maps.
    """

    def __init__(self, model: EmotionModel, *, centers: Centers | None = None) -> None:
        if _CAM not in model.session.output_names:
            raise ModelError(
                f"the model {model.manifest.name} has no class-activation maps, since dense layers "
                f"follow its pooling (its outputs are {', '.join(model.session.output_names)}); "
                "explain the checkpoint that it was exported from: emolens explain IMAGE --model "
                "FILE.ckpt (Grad-CAM)"
            )
        self._classifier = OnnxEmotionClassifier(model)
        self._centers = centers

    @classmethod
    def load(cls, name_or_path: str | Path = "default", *, n_threads: int = 1) -> Self:
        """Load a model by name or path; raises `ModelError` if it cannot be used or has no maps."""
        return cls(load_emotion_model(name_or_path, n_threads=n_threads))

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the crops it reads."""
        return self._classifier.input_spec

    @property
    def centers(self) -> Centers:
        """Where the map's rows and columns are centred in a face; found out once, on first use."""
        if self._centers is None:
            self._centers = find_centers(self._maps, self.input_spec.size_px)
        return self._centers

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Calibrated scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in the order given."""
        return self._classifier.classify(crops)

    def explain(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[ActivationMaps]:
        """Maps and calibrated scores of crops.

        Args:
            crops: uint8, (H, W) grey or (H, W, 3) BGR, of any size. The maps cover the square that
                the network saw: a crop that is not square is filled up around its middle.

        Returns:
            One for each crop, in the order given.

        Raises:
            InputError: A crop has another type or shape, or no pixels.
            ModelError: The model gave numbers that are not finite.
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
