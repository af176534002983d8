"""A model file's activation maps are the Grad-CAM of its network, and depend on its weights."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import LABELS
from emolens.core.geometry import Box
from emolens.core.manifest import ModelManifest
from emolens.explanation import ActivationExplainer, ActivationMaps
from emolens.explanation.faithfulness import compare_explainers
from emolens.imaging.crop import crop_square
from emolens.runtime.catalogue import find_model
from emolens.runtime.model_file import load_emotion_model, seal
from emolens.storage.files import write_bytes
from emolens.training.checkpoint import load_checkpoint
from emolens.training.export import export_checkpoint
from emolens.training.gradcam import GradCamExplainer
from emolens.training.networks import LogitsAndCam
from emolens.training.onnx_graph import to_graph, with_manifest
from emolens.training.randomize import randomized_model, randomized_network

TOLERANCE = 1e-3
TEACHER = Path(__file__).parents[2] / "checkpoints/teacher-3.ckpt"


def write_unrounded(checkpoint: Path, out: Path) -> None:
    """A model file with the very weights of a checkpoint: not rounded, not calibrated."""
    networks = load_checkpoint(checkpoint).networks
    spec = networks[0].input_spec
    manifest = ModelManifest(
        name="unrounded",
        labels=LABELS,
        input=spec,
        temperature=1.0,
        dataset="none",
        code_revision="unknown",
        metrics={},
        license="Apache-2.0",
    )
    graph = to_graph(LogitsAndCam(networks).eval(), spec.size_px)
    write_bytes(out, seal(with_manifest(graph, manifest)))


def normalised(explained: list[ActivationMaps]) -> npt.NDArray[np.float32]:
    """Every map over its largest absolute value."""
    maps = np.stack([of_face.maps for of_face in explained])
    return np.asarray(maps / np.abs(maps).max(axis=(2, 3), keepdims=True), np.float32)


@pytest.fixture(params=["small run", "teacher"])
def checkpoint(request: pytest.FixtureRequest, small_run: Path) -> Path:
    return small_run / "best.ckpt" if request.param == "small run" else TEACHER


def test_a_model_file_s_maps_are_grad_cam(
    checkpoint: Path, gray_faces: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    write_unrounded(checkpoint, tmp_path / "a.onnx")
    crops = list(gray_faces[:24])
    from_network = GradCamExplainer.load(checkpoint).explain(crops)
    model = load_emotion_model(tmp_path / "a.onnx")
    from_file = ActivationExplainer(model, centers=from_network[0].centers).explain(crops)
    np.testing.assert_allclose(normalised(from_file), normalised(from_network), atol=TOLERANCE)
    for one, other in zip(from_file, from_network, strict=True):
        np.testing.assert_allclose(one.heat_maps(48), other.heat_maps(48), atol=TOLERANCE)
        np.testing.assert_allclose(
            one.scores.probabilities, other.scores.probabilities, atol=TOLERANCE
        )


def test_a_model_file_tells_where_its_network_s_cells_lie(
    gray_faces: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    write_unrounded(TEACHER, tmp_path / "a.onnx")
    (from_network,) = GradCamExplainer.load(TEACHER).explain([gray_faces[0]])
    assert ActivationExplainer.load(tmp_path / "a.onnx").centers == from_network.centers


def test_an_export_keeps_the_maps_but_for_rounding(
    small_run: Path, gray_faces: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    export_checkpoint(small_run / "best.ckpt", tmp_path / "a.onnx")
    exported = ActivationExplainer.load(tmp_path / "a.onnx").explain(list(gray_faces[:24]))
    trained = GradCamExplainer.load(small_run / "best.ckpt").explain(list(gray_faces[:24]))
    # Class scales are positive factors, which normalising takes out again. Filters are stored in
    # one byte a weight, which is coarse for a network of eight channels.
    np.testing.assert_allclose(normalised(exported), normalised(trained), atol=5e-2)


def test_random_weights_change_the_maps_of_a_network(
    checkpoint: Path, gray_faces: npt.NDArray[np.uint8]
) -> None:
    loaded = load_checkpoint(checkpoint)
    network, crops = loaded.networks[-1], list(gray_faces[:32])
    trained = GradCamExplainer([network])
    fresh = GradCamExplainer([randomized_network(network, loaded.recipe, seed=0)])
    assert compare_explainers(trained, trained, crops).mean() == pytest.approx(1)
    assert abs(compare_explainers(trained, fresh, crops).mean()) < 0.35


def test_random_weights_change_the_maps_of_a_model_file(
    astronaut: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(randomized_model(find_model("labels", "emotion").read(), seed=0))
    squares = [Box(x, y, x + 140, y + 140) for x in (150, 160, 170) for y in (40, 50, 60)]
    crops = [crop_square(astronaut, square, 48) for square in squares]
    everyday, labels = ActivationExplainer.load("everyday"), ActivationExplainer.load("labels")
    shuffled = ActivationExplainer.load(path)
    assert compare_explainers(labels, labels, crops).mean() == pytest.approx(1)
    agreement = abs(compare_explainers(labels, shuffled, crops).mean())
    assert agreement < 0.3
    # Another trained model agrees far better, so it is not the measure that is blind.
    assert compare_explainers(labels, everyday, crops).mean() > agreement + 0.3
