import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emolens.classification.onnx_classifier import OnnxEmotionClassifier, softmax
from emolens.core.emotion import LABELS
from emolens.core.errors import ModelError
from emolens.core.manifest import InputSpec, ModelManifest
from emolens.runtime.model_file import EmotionModel

logits = hnp.arrays(np.float32, (3, 7), elements=st.floats(-100, 100, width=32))


@given(logits)
def test_softmax_rows_are_distributions_in_the_order_of_logits(rows: np.ndarray) -> None:
    probabilities = softmax(rows)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    for row, probability in zip(rows, probabilities, strict=True):
        assert probability[row.argmax()] == probability.max()


def test_softmax_survives_large_logits() -> None:
    assert softmax(np.array([[1e4, 0, 0, 0, 0, 0, 0]], np.float32))[0, 0] == 1


class _FixedSession:
    """Stands in for an ONNX session and gives the same logits for every face."""

    input_names = ("faces",)

    def __init__(self, row: list[float]) -> None:
        self.row = row

    def run(self, inputs: dict[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
        n_faces = len(inputs["faces"])
        return [np.tile(np.array(self.row, np.float32), (n_faces, 1)) for _ in outputs]


def classifier(row: list[float], temperature: float) -> OnnxEmotionClassifier:
    manifest = ModelManifest(
        name="fixed",
        labels=LABELS,
        input=InputSpec(size_px=48, mean=0.5, std=0.25),
        temperature=temperature,
        dataset="none",
        code_revision="unknown",
        metrics={},
        license="Apache-2.0",
    )
    session = _FixedSession(row)
    return OnnxEmotionClassifier(EmotionModel(session, manifest, "", 0))  # type: ignore[arg-type]


def test_the_temperature_divides_the_logits() -> None:
    face = np.zeros((48, 48), np.uint8)
    row = [2.0, 0, 0, 0, 0, 0, 0]
    warm = classifier(row, temperature=2.0).classify([face])[0]
    assert warm.confidence == pytest.approx(np.e / (np.e + 6))


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ModelError, match="not finite"):
        classifier([np.nan] * 7, temperature=1.0).classify([np.zeros((48, 48), np.uint8)])
