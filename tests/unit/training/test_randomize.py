from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import ConfigError, ModelError
from emolens.runtime.catalogue import find_model
from emolens.runtime.model_file import load_emotion_model
from emolens.training.architectures import build_network
from emolens.training.networks import ExpressionNetwork
from emolens.training.randomize import randomized_model, randomized_network
from emolens.training.recipe import Recipe
from tests.recipes import small_recipe


@pytest.fixture
def recipe() -> Recipe:
    return small_recipe(Path("x"))


@pytest.fixture
def trained(recipe: Recipe) -> ExpressionNetwork:
    """Not trained, but with weights of its own."""
    torch.manual_seed(5)
    network = build_network(recipe).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    return network


@pytest.mark.parametrize("n_stages", [1, 3, 6])
def test_the_last_stages_alone_are_fresh(
    trained: ExpressionNetwork, recipe: Recipe, n_stages: int
) -> None:
    before = {name: values.clone() for name, values in trained.state_dict().items()}
    fresh = randomized_network(trained, recipe, seed=0, n_stages=n_stages)
    for name, parameter in fresh.named_parameters():
        is_kept = trained.stage_of(name) <= trained.n_stages - n_stages
        assert torch.equal(parameter, before[name]) == is_kept, name
    assert all(torch.equal(values, before[k]) for k, values in trained.state_dict().items())
    assert not fresh.training


def test_by_default_nothing_is_kept_and_the_seed_repeats(
    trained: ExpressionNetwork, recipe: Recipe
) -> None:
    state = torch.random.get_rng_state()
    first, second, other = (
        randomized_network(trained, recipe, seed=seed).last_layer.weight for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(state, torch.random.get_rng_state())


def test_new_weights_are_not_those_that_the_training_began_with(recipe: Recipe) -> None:
    torch.manual_seed(recipe.seed)
    initial = build_network(recipe)
    fresh = randomized_network(initial, recipe, seed=recipe.seed)
    pair = torch.stack([network.last_layer.weight.detach().ravel() for network in (initial, fresh)])
    assert abs(float(torch.corrcoef(pair)[0, 1])) < 0.4


@pytest.mark.parametrize("n_stages", [0, 7])
def test_stages_that_are_not_there_are_refused(
    trained: ExpressionNetwork, recipe: Recipe, n_stages: int
) -> None:
    with pytest.raises(ConfigError, match="1 to 6"):
        randomized_network(trained, recipe, seed=0, n_stages=n_stages)


def test_a_model_file_is_shuffled_and_sealed_again(
    gray_faces: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    content = find_model("labels", "emotion").read()
    path = tmp_path / "a.onnx"
    path.write_bytes(randomized_model(content, seed=0))
    manifest = load_emotion_model(path).manifest
    assert manifest.name == "labels-randomised"
    assert manifest.metrics == {}
    crops = list(gray_faces[:8])
    (trained,) = OnnxEmotionClassifier.load("labels").run(crops, ("logits",))
    (shuffled,) = OnnxEmotionClassifier.load(path).run(crops, ("logits",))
    assert np.abs(trained - shuffled).max() > 0.5
    assert randomized_model(content, seed=0) == path.read_bytes()
    assert randomized_model(content, seed=1) != path.read_bytes()


def test_a_model_with_8_bits_is_refused() -> None:
    with pytest.raises(ModelError, match="everyday has 8-bit arithmetic"):
        randomized_model(find_model("everyday", "emotion").read(), seed=0)
