from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from emolens.core.errors import ConfigError
from emolens.explanation.placement import even_centers, strided_centers
from emolens.imaging.preprocess import preprocess
from emolens.training.architectures import build_network
from emolens.training.checkpoint import save_checkpoint
from emolens.training.gradcam import GradCamExplainer
from emolens.training.inference import torch_logits
from emolens.training.networks import ExpressionNetwork, LogitsAndCam, merge_heads
from emolens.training.recipe import AnswerSection
from tests.recipes import SMALL_NETWORK, small_recipe

VIT = {"kind": "vit", "width": 24, "depth": 2, "heads": 2, "patch_px": 8}
DENSE = {
    "kind": "backbone",
    "name": "resnet18",
    "weights": "random",
    "size_px": 32,
    "hidden": [8],
}


def network(kind: dict[str, object] | None = None, *, seed: int = 0) -> ExpressionNetwork:
    torch.manual_seed(seed)
    return build_network(small_recipe(Path("x"), network=kind)).eval()


def cams(networks: list[ExpressionNetwork], images: npt.NDArray[np.uint8]) -> np.ndarray:
    faces = torch.from_numpy(preprocess(list(images), networks[0].input_spec))
    with torch.no_grad():
        return np.asarray(LogitsAndCam(networks).eval()(faces)[1].numpy())


@pytest.mark.parametrize(
    "kind",
    [SMALL_NETWORK, {**SMALL_NETWORK, "mirrored": True}, VIT],
    ids=["plain", "mirror", "vit"],
)
def test_with_a_linear_head_it_is_the_class_activation_map(
    kind: dict[str, object], gray_faces: npt.NDArray[np.uint8]
) -> None:
    images = gray_faces[:40]
    networks = [network(kind, seed=0), network(kind, seed=1)]
    explained = GradCamExplainer(networks).explain(list(images))
    maps = np.stack([of_face.maps for of_face in explained])
    expected = cams(networks, images)
    np.testing.assert_allclose(maps, expected, atol=1e-4 * np.abs(expected).max())


def test_dense_layers_are_explained_to_the_first_order(
    gray_faces: npt.NDArray[np.uint8],
) -> None:
    dense = network(DENSE)
    images = gray_faces[:3]
    explained = GradCamExplainer([dense]).explain(list(images))
    faces = torch.from_numpy(preprocess(list(images), dense.input_spec))
    with torch.no_grad():
        pooled = dense.feature_map(faces).mean(dim=(2, 3))
        # A head of rectified layers is linear along the line through a point and its own offset.
        logits, nearby = dense.forward_head(pooled), dense.forward_head(pooled * 1.0001)
    slope = ((nearby - logits) / 0.0001).numpy()
    means = np.stack([of_face.maps.mean(axis=(1, 2)) for of_face in explained])
    np.testing.assert_allclose(means, slope, atol=2e-2 * np.abs(slope).max())


def test_scores_are_those_of_the_mean_logits(gray_faces: npt.NDArray[np.uint8]) -> None:
    networks = [network(seed=seed) for seed in range(2)]
    images = gray_faces[:40]
    explainer = GradCamExplainer(networks)
    logits = torch_logits(LogitsAndCam(networks).eval(), images, explainer.input_spec)
    expected = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    for scores in (
        explainer.classify(list(images)),
        [of_face.scores for of_face in explainer.explain(list(images))],
    ):
        got = np.stack([of_face.probabilities for of_face in scores])
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_cells_lie_where_the_architecture_has_them(gray_faces: npt.NDArray[np.uint8]) -> None:
    crop = [gray_faces[0]]
    (convolutional,) = GradCamExplainer([network()]).explain(crop)
    (transformer,) = GradCamExplainer([network(VIT)]).explain(crop)
    assert convolutional.centers == strided_centers(3, 48)
    assert transformer.centers == even_centers(6)


def test_frozen_and_training_networks_are_explained_and_stay_as_they_are(
    gray_faces: npt.NDArray[np.uint8],
) -> None:
    frozen = network()
    expected = GradCamExplainer([frozen]).explain([gray_faces[0]])[0].maps
    frozen.freeze(1)
    frozen.train()
    got = GradCamExplainer([frozen]).explain([gray_faces[0]])[0].maps
    np.testing.assert_array_equal(got, expected)
    assert frozen.training
    assert all(parameter.grad is None for parameter in frozen.parameters())


def test_no_crops_give_no_maps_and_no_networks_an_error() -> None:
    explainer = GradCamExplainer([network()])
    assert explainer.explain([]) == []
    assert explainer.classify([]) == []
    with pytest.raises(ConfigError, match="networks is empty"):
        GradCamExplainer([])


def test_a_checkpoint_is_explained_as_it_answers(
    gray_faces: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    answer = AnswerSection(votes=0.4, balance=0.5)
    recipe = small_recipe(Path("x"), loss={"vote_weight": 1.0}, answer=answer.model_dump())
    trained = build_network(recipe).eval()
    torch.nn.init.normal_(trained.last_layer.weight)
    save_checkpoint(tmp_path / "a.ckpt", recipe, [trained.state_dict()], "none")
    found = GradCamExplainer.load(tmp_path / "a.ckpt").explain(list(gray_faces[:4]))
    merge_heads(trained, 0.4)
    for one, other in zip(
        found, GradCamExplainer([trained]).explain(list(gray_faces[:4])), strict=True
    ):
        np.testing.assert_allclose(one.maps, other.maps, atol=1e-5)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such checkpoint"):
        GradCamExplainer.load(tmp_path / "none.ckpt")
