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
from emolens.runtime.model_file import EmotionModel, load_emotion_model

# ONNX Runtime keeps memory for every input shape it has seen, so batches come in few sizes only.
_BATCH_SIZES = (1, 2, 4, 8, 16)


class OnnxEmotionClassifier:
    """Names the apparent expression of face crops with a verified ONNX model.

    Implements `emolens.core.ports.EmotionClassifier`.
    """

    def __init__(self, model: EmotionModel) -> None:
        self._model = model
        self._input_name = model.session.input_names[0]

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
        parts = [self._run_batch(crops[start:stop], outputs) for start, stop in _spans(len(crops))]
        if not parts:
            return [np.empty((0, N_EMOTIONS), np.float32) for _ in outputs]
        arrays = [np.concatenate(column) for column in zip(*parts, strict=True)]
        if not all(np.isfinite(array).all() for array in arrays):
            raise ModelError(f"the model {self.manifest.name} gave numbers that are not finite")
        return arrays

    def _run_batch(
        self, crops: Sequence[npt.NDArray[np.uint8]], outputs: Sequence[str]
    ) -> list[npt.NDArray[np.float32]]:
        faces = preprocess(crops, self.input_spec)
        n_faces = len(faces)
        batch_size = next(size for size in _BATCH_SIZES if size >= n_faces)
        padded = np.zeros((batch_size, *faces.shape[1:]), np.float32)
        padded[:n_faces] = faces
        arrays = self._model.session.run({self._input_name: padded}, outputs)
        return [array[:n_faces] for array in arrays]


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Softmax over the last axis, in float64 inside so that the rows add up to 1."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), np.float32)


def _spans(n_crops: int) -> list[tuple[int, int]]:
    largest = _BATCH_SIZES[-1]
    return [(start, min(start + largest, n_crops)) for start in range(0, n_crops, largest)]
