"""torch and the exported file say the same."""

from pathlib import Path

import numpy as np

from emolens.classification import OnnxEmotionClassifier
from emolens.datasets.loading import load_faces
from emolens.training.export import (
    PARITY_TOLERANCE,
    code_revision,
    deployable,
    export_checkpoint,
    torch_logits,
)
from emolens.training.fit import load_checkpoint
from emolens.training.networks import LogitsAndCam


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
    assert cam.shape == (256, 7, 12, 12)


def test_exported_files_hold_no_paths(small_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.onnx"
    export_checkpoint(small_run / "best.ckpt", out)
    content = out.read_bytes()
    assert b"site-packages" not in content
    assert str(Path.home()).encode() not in content
