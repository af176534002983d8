"""What is made of finished networks when they are exported."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import ConfigError, DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.datasets.targets import Target, with_targets
from emolens.evaluation.calibration import fit_temperature
from emolens.explanation.placement import even_centers, resize_maps, strided_centers
from emolens.training.architectures import build_network
from emolens.training.checkpoint import load_checkpoint, save_checkpoint
from emolens.training.export import PARITY_TOLERANCE, export_checkpoint
from emolens.training.networks import LogitsAndCam
from emolens.training.recipe import Recipe
from tests.recipes import SMALL_NETWORK, small_recipe


@pytest.fixture
def untrained(generated_data: Path, tmp_path: Path) -> Path:
    return checkpoint_of(small_recipe(generated_data, loss={"vote_weight": 1.0}), tmp_path)


def checkpoint_of(recipe: Recipe, folder: Path, *, seed: int = 0) -> Path:
    """A checkpoint of a network that answers at random."""
    torch.manual_seed(seed)
    network = build_network(recipe)
    torch.nn.init.normal_(network.last_layer.weight)
    path = folder / f"{seed}.ckpt"
    save_checkpoint(path, recipe, [network.state_dict()], "none")
    return path


def logits_of(model: Path, data: Path) -> npt.NDArray[np.float32]:
    (logits,) = OnnxEmotionClassifier.load(model).run(
        list(load_faces(data, Split.VALIDATION).images[:64]), ("logits",)
    )
    return logits


def test_several_checkpoints_answer_together_whatever_their_kind(
    untrained: Path, generated_data: Path, tmp_path: Path
) -> None:
    network = {
        "kind": "face-resnet",
        "weights": "random",
        "last_stride": 1,
        "size_px": 96,
    }
    recipe = small_recipe(generated_data, network=network, pretrained="second")
    other = checkpoint_of(recipe, tmp_path, seed=1)
    out = tmp_path / "both.onnx"
    changes = ["answer.size_px=48", "answer.balance=0.01", "name=both", "pretrained=first"]
    exported = export_checkpoint(untrained, out, others=[other], changes=changes)
    assert exported.parity <= PARITY_TOLERANCE
    assert exported.manifest.name == "both"
    assert exported.manifest.pretrained == "first + second"
    assert exported.manifest.input.size_px == 48
    for path in (untrained, other):
        # Balanced answers keep their classes' scales, so logits can be added up.
        export_checkpoint(path, path.with_suffix(".onnx"), changes=changes)
    alone = [logits_of(path.with_suffix(".onnx"), generated_data) for path in (untrained, other)]
    both = logits_of(out, generated_data)
    np.testing.assert_allclose(both, np.mean(alone, axis=0), atol=0.02 * np.abs(both).max())


def test_maps_of_different_networks_meet_in_the_same_places(
    untrained: Path, generated_data: Path, tmp_path: Path
) -> None:
    network = {"kind": "face-resnet", "weights": "random", "last_stride": 1, "size_px": 112}
    other = checkpoint_of(small_recipe(generated_data, network=network), tmp_path, seed=1)
    faces = torch.rand(2, 1, 48, 48)
    maps = []
    for path in (untrained, other):
        (member,) = load_checkpoint(path).networks
        with torch.no_grad():
            _, cam = LogitsAndCam([member], size_px=48)(faces)
        maps.append(resize_maps(cam.numpy(), member.centers(cam.shape[-1]), 6))
    assert load_checkpoint(untrained).networks[0].centers(3) == strided_centers(3, 48)
    assert load_checkpoint(other).networks[0].centers(3) == even_centers(3)
    both = [load_checkpoint(path).networks[0] for path in (untrained, other)]
    with torch.no_grad():
        _, cam = LogitsAndCam(both, size_px=48)(faces)
    np.testing.assert_allclose(cam.numpy(), np.mean(maps, axis=0), atol=1e-5)
    # Alike networks need no other grid.
    with torch.no_grad():
        _, cam = LogitsAndCam(both[:1] * 2, size_px=48)(faces)
    assert cam.shape[-1] == 3


def test_the_temperature_is_fitted_on_what_the_answer_is_to_be_right_about(
    untrained: Path, generated_data: Path, tmp_path: Path
) -> None:
    rated = tmp_path / "rated.parquet"
    table = pq.read_table(generated_data)
    labels = (table["emotion"].to_numpy() + 1) % 7
    place = table.schema.get_field_index("emotion")
    pq.write_table(table.set_column(place, "emotion", pa.array(labels)), rated)
    out = tmp_path / "a.onnx"
    changes = ["answer.calibrated_on=majority", "answer.balance=0.01"]
    exported = export_checkpoint(untrained, out, changes=changes, validation=rated)
    faces = load_faces(rated, Split.VALIDATION)
    targeted = with_targets(faces, Target.MAJORITY).faces
    (logits,) = OnnxEmotionClassifier.load(out).run(list(targeted.images), ("logits",))
    assert not np.array_equal(targeted.labels, faces.labels)
    expected = fit_temperature(logits, targeted.labels)
    assert exported.manifest.temperature == pytest.approx(expected, rel=1e-3)
    right = float((logits.argmax(axis=1) == targeted.labels).mean())
    assert exported.manifest.metrics["accuracy"] == pytest.approx(right)


def test_what_raters_see_needs_votes(untrained: Path, generated_data: Path, tmp_path: Path) -> None:
    unrated = tmp_path / "unrated.parquet"
    table = pq.read_table(generated_data, columns=["usage", "emotion", "image"])
    pq.write_table(table, unrated)
    with pytest.raises(DatasetError, match="needs FER\\+ votes; the validation"):
        export_checkpoint(
            untrained,
            tmp_path / "a.onnx",
            changes=["answer.calibrated_on=majority"],
            validation=unrated,
        )
    assert not (tmp_path / "a.onnx").exists()


def test_what_was_learnt_cannot_be_changed(untrained: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError,
        match=r"export cannot change seed .*; allowed: name, license, pretrained, answer",
    ):
        export_checkpoint(untrained, tmp_path / "a.onnx", changes=["seed=3"])
    with pytest.raises(ConfigError, match="unknown key 'answer.vote'"):
        export_checkpoint(untrained, tmp_path / "a.onnx", changes=["answer.vote=0.5"])


def test_votes_need_a_head_for_them(generated_data: Path, tmp_path: Path) -> None:
    path = checkpoint_of(small_recipe(generated_data), tmp_path)
    with pytest.raises(ConfigError, match="needs a head for votes"):
        export_checkpoint(path, tmp_path / "a.onnx", changes=["answer.votes=0.5"])


def test_filters_take_one_byte_a_weight(generated_data: Path, tmp_path: Path) -> None:
    network = {**SMALL_NETWORK, "channels": [32, 64, 128, 128]}
    recipe = small_recipe(generated_data, network=network)
    path = checkpoint_of(recipe, tmp_path)
    exported = export_checkpoint(path, tmp_path / "a.onnx")
    n_weights = sum(parameter.numel() for parameter in build_network(recipe).parameters())
    assert exported.size_bytes < 1.1 * n_weights + 40_000
