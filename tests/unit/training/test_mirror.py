import torch
from torch import nn

from emolens.training.architectures import build_network
from emolens.training.mirror import write_out
from emolens.training.networks import ExpressionNetwork
from emolens.training.recipe import Recipe
from tests.recipes import SMALL_NETWORK


def mirrored_network(**changes: object) -> ExpressionNetwork:
    torch.manual_seed(0)
    recipe = {
        "name": "x",
        "data": {"source": "x"},
        "network": {**SMALL_NETWORK, "mirrored": True, **changes},
    }
    network = build_network(Recipe.model_validate(recipe))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.get_parameter("parametrizations.weight.original"))
            nn.init.normal_(module.get_buffer("running_mean"))
    return network


def test_a_layer_without_stride_gives_the_same_from_both_sides() -> None:
    network = mirrored_network(stem_stride=1).eval()
    names = ("conv1", "bn1", "layer1")
    stem = nn.Sequential(*(network.backbone.get_submodule(name) for name in names))
    face = torch.randn(1, 1, 20, 20)
    features, from_behind = stem(face), stem(face.flip(3)).flip(3)
    half = features.shape[1] // 2
    torch.testing.assert_close(from_behind, features.roll(half, dims=1))
    assert not torch.allclose(features[:, :half], features[:, half:])


def test_training_keeps_the_halves_tied() -> None:
    network = mirrored_network()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(3):
        network(torch.randn(8, 1, 48, 48)).square().sum().backward()
        optimizer.step()
    network.eval()(torch.randn(1, 1, 48, 48))
    stem: nn.Conv2d = network.backbone.get_submodule("conv1.0")  # type: ignore[assignment]
    first, second = stem.weight.chunk(2)
    assert torch.equal(first.flip(3), second)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            statistics = (module.get_buffer("running_mean"), module.get_buffer("running_var"))
            for values in (module.weight, module.bias, *statistics):
                one, other = values.chunk(2)
                assert torch.equal(one, other)


def test_written_out_it_says_the_same_with_plain_layers() -> None:
    network = mirrored_network()
    network(torch.randn(8, 1, 48, 48))
    network.eval()
    faces = torch.randn(2, 1, 48, 48)
    before = network(faces)
    n_tied = sum(p.numel() for p in network.parameters())
    write_out(network)
    assert torch.equal(network(faces), before)
    assert not any("parametrizations" in name for name, _ in network.named_parameters())
    assert sum(p.numel() for p in network.parameters()) > 1.9 * n_tied
