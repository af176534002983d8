"""Emotion classifier: preprocessing, one ONNX model, temperature scaling and softmax."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from emolens.core.description import MODEL, Description
from emolens.core.emotion import N_EMOTIONS, EmotionScores
from emolens.core.errors import ModelError
from emolens.core.manifest import InputSpec, ModelManifest
from emolens.imaging.preprocess import preprocess
from emolens.runtime.batches import run_rows
from emolens.runtime.model_file import EmotionModel, load_emotion_model


class OnnxEmotionClassifier:
    """A classifier of the apparent expression of face crops, with a verified ONNX model.

    Implements `emolens.core.ports.EmotionClassifier`.
    """

    def __init__(self, model: EmotionModel) -> None:
        self._model = model

    @classmethod
    def load(cls, name_or_path: str | Path = "default", *, n_threads: int = 1) -> Self:
        """Load a model by name or path; raises `ModelError` if that fails."""
        return cls(load_emotion_model(name_or_path, n_threads=n_threads))

    @property
    def manifest(self) -> ModelManifest:
        """Manifest of the model file."""
        return self._model.manifest

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model file."""
        return self._model.sha256

    @property
    def description(self) -> Description:
        """The model."""
        return {MODEL: self._model.identity}

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the input crops."""
        return self._model.manifest.input

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Predict calibrated scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in order."""
        (logits,) = self.run(crops, ("logits",))
        return [EmotionScores(row) for row in softmax(logits / self.manifest.temperature)]

    def run(
        self, crops: Sequence[npt.NDArray[np.uint8]], outputs: Sequence[str]
    ) -> list[npt.NDArray[np.float32]]:
        """Compute raw model outputs for crops of any size and number.

        Args:
            crops: uint8 crops, (H, W) grey or (H, W, 3) BGR.
            outputs: Any of `"logits"` (N, 7) and `"cam"` (N, 7, h, w).

        Returns:
            float32 arrays in the order of `outputs`.

        Raises:
            ModelError: The model returned numbers that are not finite.
        """
        if not len(crops):
            return [np.empty((0, N_EMOTIONS), np.float32) for _ in outputs]
        arrays = run_rows(self._model.session, preprocess(crops, self.input_spec), outputs)
        if not all(np.isfinite(array).all() for array in arrays):
            raise ModelError(f"the model {self.manifest.name} returned numbers that are not finite")
        return arrays


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Compute the softmax over the last axis, in float64 internally so that the rows sum to 1."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), np.float32)
