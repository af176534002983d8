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
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from emolens.classification.onnx_classifier import OnnxEmotionClassifier, softmax
from emolens.core.description import Description
from emolens.core.emotion import EmotionScores
from emolens.core.errors import ModelError
from emolens.core.manifest import InputSpec
from emolens.explanation.maps import FaceExplainer, FaceMaps, MapKind
from emolens.explanation.placement import Centers, Floats, find_centers, resize_maps
from emolens.runtime.model_file import EmotionModel, load_emotion_model

__all__ = ["ActivationExplainer", "ActivationMaps", "FaceExplainer"]

_LOGITS, _CAM = "logits", "cam"


@dataclass(frozen=True, slots=True, eq=False)
class ActivationMaps(FaceMaps):
    """Class-activation maps of one face.

    A cell of `maps` is evidence in units of the logit. The mean over the cells is the logit without
    the bias.
    """

    kind: ClassVar[MapKind] = MapKind.ACTIVATION
    least_scale: ClassVar[float] = 0.0

    def evidence(self, size_px: int) -> Floats:
        """Resize the signed maps to the size of a face: float32 (7, size_px, size_px)."""
        return resize_maps(self.maps, self.centers, size_px)


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
                "Occlusion maps work for every model: use --kind occlusion (OcclusionExplainer). "
                "Grad-CAM needs its checkpoint: emolens explain IMAGE --kind activation "
                "--model FILE.ckpt"
            )
        self._classifier = OnnxEmotionClassifier(model)
        self._centers = centers

    @classmethod
    def load(cls, name_or_path: str | Path = "default", *, n_threads: int = 1) -> Self:
        """Load a model by name or path; raises `ModelError` if it is unusable or has no maps."""
        return cls(load_emotion_model(name_or_path, n_threads=n_threads))

    @property
    def description(self) -> Description:
        """The model."""
        return self._classifier.description

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
