"""Networks of a recipe, built from timm's blocks."""

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import timm
from timm.models import load_state_dict
from timm.models.resnet import BasicBlock, ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from emolens.core.emotion import N_EMOTIONS
from emolens.core.errors import ConfigError
from emolens.core.manifest import InputSpec
from emolens.imaging.preprocess import GRAY_MEAN, GRAY_STD
from emolens.training.dlib_file import read_dlib_face_resnet
from emolens.training.face_resnet import FaceResNet, load_face_resnet
from emolens.training.mirror import mirror_backbone, mirror_head
from emolens.training.network_sections import (
    HUB,
    RANDOM,
    BackboneSection,
    FaceResNetSection,
    NetworkSection,
    ResNetSection,
    ViTSection,
)
from emolens.training.networks import Backbone, ExpressionNetwork, GrayToColor
from emolens.training.recipe import Recipe

# Errors of torch, pydantic and dictionary access for files of another kind.
NOT_A_TORCH_FILE = (
    *(AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    UnpicklingError,
)


def build_network(recipe: Recipe, *, pretrained: bool = False) -> ExpressionNetwork:
    """Build the network of a recipe.

    Args:
        recipe: The recipe.
        pretrained: Whether to download or read the weights in the recipe. Otherwise all weights are
            random, for example before the weights of a checkpoint are loaded.

    Raises:
        ConfigError: timm has no such backbone, or its weights cannot be downloaded or read.
    """
    spec = recipe.network
    color: nn.Module | None = None
    backbone: Backbone
    if isinstance(spec, BackboneSection):
        backbone = _build_backbone(spec, pretrained=pretrained)
        source: Any = backbone.pretrained_cfg
        color = GrayToColor(source["mean"], source["std"])
    elif isinstance(spec, FaceResNetSection):
        backbone = _build_face_resnet(spec, pretrained=pretrained)
    else:
        backbone = _build_vit(spec) if isinstance(spec, ViTSection) else _build_resnet(spec)
    hidden = spec.hidden if isinstance(spec, BackboneSection | FaceResNetSection) else ()
    network = ExpressionNetwork(
        backbone,
        _build_head(int(backbone.num_features), hidden, spec.dropout),
        spec=_input_spec(spec),
        classes=recipe.class_indices,
        has_vote_head=recipe.loss.vote_weight > 0,
        color=color,
    )
    if isinstance(spec, ResNetSection) and spec.mirrored:
        mirror_backbone(network.backbone)
        mirror_head(network.last_layer)
    return network


def _build_resnet(spec: ResNetSection) -> ResNet:
    """Build a ResNet for grey faces.

    It has no max-pooling after the stem, to keep the resolution of 48 px faces.

    Source:
        He et al. 2016, "Deep Residual Learning for Image Recognition"; He et al. 2019, "Bag of
        Tricks", for the stem of three convolutions.
    """
    network = ResNet(
        BasicBlock,  # type: ignore[arg-type]  # timm's annotation means the class
        layers=spec.blocks,
        num_classes=0,
        in_chans=1,
        channels=spec.channels,
        stem_type="deep",
        stem_width=spec.stem_channels,
    )
    first: nn.Conv2d = network.get_submodule("conv1.0")  # type: ignore[assignment]  # by name
    first.stride = (spec.stem_stride, spec.stem_stride)
    network.add_module("maxpool", nn.Identity())
    return network


def _build_vit(spec: ViTSection) -> VisionTransformer:
    return VisionTransformer(
        img_size=spec.size_px,
        patch_size=spec.patch_px,
        in_chans=1,
        num_classes=0,
        embed_dim=spec.width,
        depth=spec.depth,
        num_heads=spec.heads,
        drop_path_rate=spec.stochastic_depth,
        class_token=False,
        global_pool="avg",
        fc_norm=False,
    )


def _build_face_resnet(spec: FaceResNetSection, *, pretrained: bool) -> FaceResNet:
    network = FaceResNet(last_stride=spec.last_stride)
    if pretrained and spec.weights != RANDOM:
        load_face_resnet(network, read_dlib_face_resnet(Path(spec.weights)), _input_spec(spec))
    return network


def _build_backbone(spec: BackboneSection, *, pretrained: bool) -> ResNet | VisionTransformer:
    if not timm.is_model(spec.name):
        similar = timm.list_models(f"{spec.name[:6]}*")[:8]
        raise ConfigError(
            f"network.name: timm has no model {spec.name!r}"
            + (f"; similar names: {', '.join(similar)}" if similar else "")
        )
    from_hub = pretrained and spec.weights == HUB
    family = timm.model_entrypoint(spec.name).__module__
    has_fixed_size = family.endswith(("vision_transformer", "deit"))
    arguments: dict[str, Any] = {"img_size": spec.size_px} if has_fixed_size else {}
    try:
        network = timm.create_model(spec.name, pretrained=from_hub, num_classes=0, **arguments)
    except (OSError, RuntimeError, ValueError) as error:
        if not from_hub:
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"network.weights: cannot download the weights of {spec.name} ({reason}). Check the "
            f'connection, or download them elsewhere and set network.weights = "FILE".'
        ) from error
    if not isinstance(network, ResNet | VisionTransformer):
        raise ConfigError(
            f"network.name: {spec.name} is a {type(network).__name__}; allowed: ResNets and Vision "
            "Transformers of timm"
        )
    if pretrained and spec.weights not in {HUB, RANDOM}:
        _read_weights(network, Path(spec.weights))
    return network


def _read_weights(network: nn.Module, path: Path) -> None:
    try:
        weights = load_state_dict(str(path), weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError(f"network.weights: no such file: {path}") from error
    except NOT_A_TORCH_FILE as error:
        raise ConfigError(f"network.weights: {path} is not a state dict: {error}") from error
    expected = network.state_dict()
    # The classifier of the pretraining task is dropped.
    matching = {k: v for k, v in weights.items() if k in expected and v.shape == expected[k].shape}
    missing = sorted(expected.keys() - matching.keys())
    if missing:
        raise ConfigError(
            f"network.weights: {path} has another architecture: {len(missing)} of "
            f"{len(expected)} tensors are missing or have another shape, such as {missing[0]}"
        )
    network.load_state_dict(matching)


def _build_head(n_features: int, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Dropout(dropout), nn.Linear(n_features, width), nn.ReLU()]
        n_features = width
    return nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(n_features, N_EMOTIONS))


def _input_spec(network: NetworkSection) -> InputSpec:
    if isinstance(network, BackboneSection):
        # The network itself normalises each colour channel.
        return InputSpec(size_px=network.size_px, mean=0.0, std=1.0)
    return InputSpec(size_px=network.size_px, mean=GRAY_MEAN, std=GRAY_STD)
