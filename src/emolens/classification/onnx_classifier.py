"""The emotion classifier: preprocessing, one ONNX model, temperature, softmax."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, EmotionScores
from emolens.core.errors import ModelError
from emolens.core.manifest import InputSpec, ModelManifest
from emolens.imaging.preprocess import preprocess
from emolens.runtime.batches import run_rows
from emolens.runtime.model_file import EmotionModel, load_emotion_model


class OnnxEmotionClassifier:
    """Names the apparent expression of face crops with a verified ONNX model.

    Implements `emolens.core.ports.EmotionClassifier`.
    """

    def __init__(self, model: EmotionModel) -> None:
        self._model = model

    @classmethod
    def load(cls, name_or_path: str | Path = "default", *, n_threads: int = 1) -> Self:
        """Load a model by name or path; raises `ModelError` if it cannot be used."""
        return cls(load_emotion_model(name_or_path, n_threads=n_threads))

    @property
    def manifest(self) -> ModelManifest:
        """What the model file says about itself."""
        return self._model.manifest

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model file."""
        return self._model.sha256

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the crops it reads."""
        return self._model.manifest.input

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Calibrated scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in the order given."""
        (logits,) = self.run(crops, ("logits",))
        return [EmotionScores(row) for row in softmax(logits / self.manifest.temperature)]

    def run(
        self, crops: Sequence[npt.NDArray[np.uint8]], outputs: Sequence[str]
    ) -> list[npt.NDArray[np.float32]]:
        """Raw model outputs for crops of any size and number.

        Args:
            crops: uint8 crops, (H, W) grey or (H, W, 3) BGR.
            outputs: Any of `"logits"` (N, 7) and `"cam"` (N, 7, h, w).

        Returns:
            float32 arrays in the order asked for.

        Raises:
            ModelError: The model gave numbers that are not finite.
        """
        if not len(crops):
            return [np.empty((0, N_EMOTIONS), np.float32) for _ in outputs]
        arrays = run_rows(self._model.session, preprocess(crops, self.input_spec), outputs)
        if not all(np.isfinite(array).all() for array in arrays):
            raise ModelError(f"the model {self.manifest.name} gave numbers that are not finite")
        return arrays


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Softmax over the last axis, in float64 inside so that the rows add up to 1."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), np.float32)
