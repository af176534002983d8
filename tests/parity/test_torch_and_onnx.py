"""torch and the exported file say the same."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import ModelError
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.evaluation.calibration import fit_class_scales
from emolens.training import export
from emolens.training.checkpoint import load_checkpoint
from emolens.training.export import (
    INT8_TOLERANCE_POINTS,
    PARITY_TOLERANCE,
    deployable,
    export_checkpoint,
)
from emolens.training.fit import fit
from emolens.training.inference import torch_logits
from emolens.training.networks import ExpressionNetwork, LogitsAndCam
from emolens.training.revision import code_revision
from tests.recipes import SMALL_NETWORK, small_recipe


def scales_of(trained: LogitsAndCam, data: Path) -> npt.NDArray[np.float64]:
    """The class scales that an export finds."""
    faces = load_faces(data, Split.VALIDATION)
    member: ExpressionNetwork = trained.networks[0]  # type: ignore[assignment]  # a list of modules
    logits = torch_logits(trained, faces.images, member.input_spec)
    return fit_class_scales(logits, faces.labels)


def test_the_exported_file_says_what_torch_says(
    small_run: Path, generated_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small.onnx"
    exported = export_checkpoint(small_run / "best.ckpt", out)
    assert exported.parity <= PARITY_TOLERANCE
    classifier = OnnxEmotionClassifier.load(out)
    assert classifier.manifest.name == "small"
    assert classifier.manifest.code_revision == code_revision()
    images = load_faces(generated_data).images[:256]
    logits, cam = classifier.run(list(images), ("logits", "cam"))
    trained = LogitsAndCam(load_checkpoint(small_run / "best.ckpt").networks).eval()
    network = deployable(trained, scales_of(trained, generated_data))
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
    n_faces = len(load_faces(generated_data, Split.VALIDATION))
    lost = plain.manifest.metrics["accuracy"] - small.manifest.metrics["accuracy"]
    assert n_faces * lost <= max(1, n_faces * INT8_TOLERANCE_POINTS / 100) + 1e-9
    classifier = OnnxEmotionClassifier.load(tmp_path / "int8.onnx")
    assert classifier.manifest.name == "small-int8"
    crops = list(load_faces(generated_data).images[:20])
    together = [scores.probabilities for scores in classifier.classify(crops)]
    alone = [classifier.classify([crop])[0].probabilities for crop in crops]
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("int8", "message"), [(True, "8-bit arithmetic loses"), (False, "differ by")]
)
def test_a_file_that_says_something_else_is_not_written(
    int8: bool, message: str, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = export.onnx_logits
    monkeypatch.setattr(export, "onnx_logits", lambda *given: -honest(*given))
    with pytest.raises(ModelError, match=message):
        export_checkpoint(small_run / "best.ckpt", tmp_path / "a.onnx", int8=int8)
    assert not (tmp_path / "a.onnx").exists()


@pytest.mark.parametrize(
    ("network", "snapshots"),
    [
        ({**SMALL_NETWORK, "mirrored": True}, True),
        ({"kind": "vit", "width": 24, "depth": 2, "heads": 2, "patch_px": 8}, False),
        (
            {
                "kind": "backbone",
                "name": "resnet18",
                "weights": "random",
                "size_px": 32,
                "hidden": [8],
            },
            False,
        ),
    ],
    ids=["mirrored-ensemble", "vit", "dense-head"],
)
def test_every_kind_of_network_is_exported(
    network: dict[str, object], snapshots: bool, generated_data: Path, tmp_path: Path
) -> None:
    recipe = small_recipe(
        generated_data, phases=[{"epochs": 1, "warmup_epochs": 0}] * 2, network=network
    )
    fit(recipe.model_copy(update={"snapshots": snapshots}), tmp_path, show_progress=False)
    exported = export_checkpoint(tmp_path / "best.ckpt", tmp_path / "a.onnx")
    assert exported.parity <= PARITY_TOLERANCE
    classifier = OnnxEmotionClassifier.load(tmp_path / "a.onnx")
    images = load_faces(generated_data).images[:64]
    (logits,) = classifier.run(list(images), ("logits",))
    # Against the network as it was trained: folding and rounding change it but a little.
    trained = LogitsAndCam(load_checkpoint(tmp_path / "best.ckpt").networks).eval()
    answers = torch_logits(trained, images, classifier.input_spec)
    expected = answers * scales_of(trained, generated_data)
    np.testing.assert_allclose(logits, expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.parametrize("int8", [False, True])
def test_mirrored_filters_are_stored_once(int8: bool, generated_data: Path, tmp_path: Path) -> None:
    sizes = {}
    for mirrored in (False, True):
        wide = {**SMALL_NETWORK, "channels": [32, 64, 128, 128], "mirrored": mirrored}
        folder = tmp_path / str(mirrored)
        fit(small_recipe(generated_data, epochs=1, network=wide), folder, show_progress=False)
        out = folder / "a.onnx"
        sizes[mirrored] = export_checkpoint(folder / "best.ckpt", out, int8=int8).size_bytes
        faces = list(load_faces(generated_data, Split.VALIDATION).images[:8])
        (logits,) = OnnxEmotionClassifier.load(out).run(faces, ("logits",))
        assert np.isfinite(logits).all()
    assert sizes[True] < 0.65 * sizes[False]


def test_networks_without_convolutions_are_not_made_int8(
    generated_data: Path, tmp_path: Path
) -> None:
    vit = {"kind": "vit", "width": 24, "depth": 1, "heads": 2, "patch_px": 8}
    fit(small_recipe(generated_data, epochs=1, network=vit), tmp_path, show_progress=False)
    with pytest.raises(ModelError, match="8-bit arithmetic needs 2 or more convolutions"):
        export_checkpoint(tmp_path / "best.ckpt", tmp_path / "a.onnx", int8=True)
    assert not (tmp_path / "a.onnx").exists()
