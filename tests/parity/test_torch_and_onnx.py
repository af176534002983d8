"""torch and the exported file say the same."""

from pathlib import Path

import numpy as np

from emolens.classification import OnnxEmotionClassifier
from emolens.datasets.loading import load_faces
from emolens.training.export import (
    INT8_TOLERANCE_POINTS,
    PARITY_TOLERANCE,
    deployable,
    export_checkpoint,
    torch_logits,
)
from emolens.training.fit import load_checkpoint
from emolens.training.networks import LogitsAndCam
from emolens.training.revision import code_revision


def test_the_exported_file_says_what_torch_says(
    small_run: Path, generated_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small.onnx"
    exported = export_checkpoint(small_run / "best.ckpt", out)
    assert exported.parity <= PARITY_TOLERANCE
    classifier = OnnxEmotionClassifier.load(out)
    assert classifier.manifest.name == "small"
    assert classifier.manifest.code_revision == code_revision()
    _, module = load_checkpoint(small_run / "best.ckpt")
    images = load_faces(generated_data).images[:256]
    logits, cam = classifier.run(list(images), ("logits", "cam"))
    network = deployable(LogitsAndCam(module.network))
    np.testing.assert_allclose(
        logits, torch_logits(network, images, classifier.input_spec), atol=PARITY_TOLERANCE
    )
    assert cam.shape == (256, 7, 3, 3)


def test_exported_files_hold_no_paths(small_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.onnx"
    export_checkpoint(small_run / "best.ckpt", out)
    content = out.read_bytes()
    assert b"site-packages" not in content
    assert str(Path.home()).encode() not in content


def test_int8_keeps_the_accuracy_and_shrinks_the_file(
    small_run: Path, generated_data: Path, tmp_path: Path
) -> None:
    plain = export_checkpoint(small_run / "best.ckpt", tmp_path / "plain.onnx")
    small = export_checkpoint(small_run / "best.ckpt", tmp_path / "int8.onnx", int8=True)
    lost = plain.manifest.metrics["accuracy"] - small.manifest.metrics["accuracy"]
    assert 100 * lost <= INT8_TOLERANCE_POINTS
    classifier = OnnxEmotionClassifier.load(tmp_path / "int8.onnx")
    assert classifier.manifest.name == "small-int8"
    crops = list(load_faces(generated_data).images[:20])
    together = [scores.probabilities for scores in classifier.classify(crops)]
    alone = [classifier.classify([crop])[0].probabilities for crop in crops]
    np.testing.assert_allclose(together, alone, atol=1e-5)
