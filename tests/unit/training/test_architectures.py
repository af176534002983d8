from collections.abc import Mapping
from pathlib import Path

import pytest
import timm
import torch

from emolens.core.errors import ConfigError
from emolens.training.architectures import build_network
from emolens.training.networks import ExpressionNetwork
from emolens.training.recipe import Recipe
from tests.recipes import SMALL_NETWORK


def build(network: Mapping[str, object], *, pretrained: bool = False) -> ExpressionNetwork:
    recipe = Recipe.model_validate({"name": "x", "data": {"source": "x"}, "network": network})
    return build_network(recipe, pretrained=pretrained)


@pytest.mark.parametrize(("stem_stride", "side"), [(1, 6), (2, 3)])
def test_resolution_follows_the_stem(stem_stride: int, side: int) -> None:
    network = build({**SMALL_NETWORK, "stem_stride": stem_stride})
    assert network.feature_map(torch.zeros(2, 1, 48, 48)).shape == (2, 16, side, side)


def test_a_transformer_gives_a_map_of_its_patches_without_class_tokens() -> None:
    ours = build({"kind": "vit", "width": 24, "depth": 1, "heads": 2, "patch_px": 6})
    assert ours.feature_map(torch.zeros(2, 1, 48, 48)).shape == (2, 24, 8, 8)
    theirs = build({"kind": "backbone", "name": "vit_tiny_patch16_224", "size_px": 64})
    assert theirs.feature_map(torch.zeros(1, 1, 64, 64)).shape == (1, 192, 4, 4)


def test_a_map_of_patches_lies_as_the_image_does() -> None:
    torch.manual_seed(0)
    network = build({"kind": "vit", "width": 24, "depth": 1, "heads": 2, "patch_px": 6}).eval()
    torch.nn.init.zeros_(network.backbone.get_parameter("pos_embed"))
    faces = torch.zeros(1, 1, 48, 48)
    faces[:, :, 12:18, 36:42] = 1  # patch of row 2, column 6
    moved = (network.feature_map(faces) - network.feature_map(faces * 0)).abs().sum(dim=1)[0]
    assert divmod(int(moved.argmax()), 8) == (2, 6)


def test_a_backbone_sees_grey_in_three_colours_as_it_was_trained() -> None:
    network = build({"kind": "backbone", "name": "resnet18", "size_px": 32})
    assert (network.input_spec.mean, network.input_spec.std) == (0, 1)
    colors = network.color(torch.full((1, 1, 2, 2), 0.5))
    expected = torch.tensor([(0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225])
    torch.testing.assert_close(colors[0, :, 0, 0], expected)


def test_unknown_backbones_are_named_with_similar_ones() -> None:
    with pytest.raises(ConfigError, match="timm has no model 'resnet35'; similar names: resnet"):
        build({"kind": "backbone", "name": "resnet35"})


def test_backbones_of_another_family_are_refused() -> None:
    with pytest.raises(ConfigError, match="mobilenetv3_small_050 is a MobileNetV3"):
        build({"kind": "backbone", "name": "mobilenetv3_small_050"})


def test_weights_from_a_file(tmp_path: Path) -> None:
    source = timm.create_model("resnet18", num_classes=10)
    path = tmp_path / "weights.pth"
    torch.save(source.state_dict(), path)
    network = build({"kind": "backbone", "name": "resnet18", "weights": str(path)}, pretrained=True)
    for key, value in network.backbone.state_dict().items():
        assert torch.equal(value, source.state_dict()[key])


def test_weights_that_cannot_be_had_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = {"kind": "backbone", "name": "resnet18", "weights": str(tmp_path / "none.pth")}
    with pytest.raises(ConfigError, match="network.weights: no such file"):
        build(network, pretrained=True)
    other = tmp_path / "other.pth"
    torch.save(timm.create_model("resnet10t").state_dict(), other)
    with pytest.raises(ConfigError, match="has another architecture"):
        build({**network, "weights": str(other)}, pretrained=True)
    other.write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="is not a state dict"):
        build({**network, "weights": str(other)}, pretrained=True)

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.models._builder.load_pretrained", unreachable)
    with pytest.raises(ConfigError, match=r"cannot download .* \(no route to host\).*FILE"):
        build({"kind": "backbone", "name": "resnet18"}, pretrained=True)
