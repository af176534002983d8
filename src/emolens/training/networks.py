"""Expression networks: a backbone, global average pooling and a head."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
import torch.fx
from timm.models.resnet import ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from emolens.core.emotion import N_EMOTIONS
from emolens.core.errors import ConfigError
from emolens.core.manifest import InputSpec
from emolens.datasets.votes import N_VOTES, vote_columns
from emolens.explanation.placement import Centers, even_centers, spreading, strided_centers
from emolens.training.face_resnet import FaceResNet
from emolens.training.mirror import write_out
from emolens.training.recipe import AnswerSection

# Added to the logit of a class that is not predicted. Its probability is e^-50 even at temperature
# 20, the upper limit of the calibration.
_ABSENT_LOGIT = -1000.0

Backbone = ResNet | VisionTransformer | FaceResNet


class ExpressionNetwork(nn.Module):
    """A backbone, global average pooling and a head.

    Attributes:
        backbone: A ResNet or Vision Transformer of timm, or dlib's face ResNet.
        head: Dropout and a linear layer, optionally after dense layers.
        vote_head: A linear layer for the shares of FER+'s votes, for training only, or None.
        input_spec: Preparation of faces.
        n_stages: Number of stages of the backbone, including the stem.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Sequential,
        *,
        spec: InputSpec,
        classes: Sequence[int],
        has_vote_head: bool = False,
        color: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.input_spec = spec
        self.color = color or nn.Identity()
        self.backbone = backbone
        self.head = head
        n_features = int(backbone.num_features)
        self.vote_head = nn.Linear(n_features, N_VOTES) if has_vote_head else None
        offset = torch.full((N_EMOTIONS,), _ABSENT_LOGIT)
        offset[list(classes)] = 0
        self.offset: Tensor
        self.register_buffer("offset", offset, persistent=False)
        self._stage_names = _stage_names(backbone)
        self.n_stages = len(self._stage_names) + 1
        self._n_frozen = 0

    def feature_map(self, faces: Tensor) -> Tensor:
        """Map prepared faces (N, 1, S, S) to features (N, C, h, w)."""
        features: Tensor = self.backbone.forward_features(self.color(faces))
        if isinstance(self.backbone, VisionTransformer):
            tokens = features[:, self.backbone.num_prefix_tokens :]
            height, width = self.backbone.patch_embed.grid_size
            features = tokens.transpose(1, 2).reshape(-1, tokens.shape[2], height, width)
        return features

    def forward_head(self, pooled: Tensor) -> Tensor:
        """Map pooled features (N, C) to logits (N, 7)."""
        logits: Tensor = self.head(pooled)
        return logits + self.offset

    def forward(self, faces: Tensor) -> Tensor:
        """Map prepared faces (N, 1, S, S) to logits (N, 7)."""
        return self.forward_head(self.feature_map(faces).mean(dim=(2, 3)))

    @property
    def last_layer(self) -> nn.Linear:
        """The linear layer that computes the logits."""
        last = self.head[-1]
        if not isinstance(last, nn.Linear):
            raise TypeError("the last layer of a head must be linear")
        return last

    @property
    def has_cam(self) -> bool:
        """Whether the head has a single linear layer, which class-activation maps need."""
        return sum(isinstance(layer, nn.Linear) for layer in self.head) == 1

    @property
    def grid(self) -> int | None:
        """Side of the input, if the cells of the map are centred on every s-th of its pixels.

        None if the cells are equal parts of the face: the patches of a transformer, and the face
        ResNet, whose strided convolutions have no zero padding.
        """
        return self.input_spec.size_px if isinstance(self.backbone, ResNet) else None

    def centers(self, n_cells: int) -> Centers:
        """Return the centres of the cells of a map along a side, as fractions of the face."""
        return _centers(n_cells, self.grid)

    def stage_of(self, parameter_name: str) -> int:
        """Return the stage of a parameter: 0 for the stem, `n_stages` for the heads."""
        prefix = "backbone."
        if not parameter_name.startswith(prefix):
            return self.n_stages
        name = parameter_name.removeprefix(prefix) + "."
        for stage, start in enumerate(self._stage_names, start=1):
            if name.startswith(f"{start}."):
                return stage
        # The norm after the last block of a transformer belongs to that block.
        return self.n_stages - 1 if name.startswith("norm.") else 0

    def freeze(self, learning_stages: int | None) -> None:
        """Freeze all but the heads and the last `learning_stages` stages; None freezes nothing."""
        n_learning = self.n_stages if learning_stages is None else learning_stages
        self._n_frozen = max(self.n_stages - n_learning, 0)
        for name, parameter in self.named_parameters():
            parameter.requires_grad = self.stage_of(name) >= self._n_frozen
        self.train(self.training)

    def train(self, mode: bool = True) -> "ExpressionNetwork":  # noqa: FBT001, FBT002 (torch's own)
        """Set the training mode; frozen stages stay in evaluation mode with their statistics."""
        super().train(mode)
        for name, module in self.named_modules():
            if name.startswith("backbone.") and self.stage_of(name) < self._n_frozen:
                # `eval()` would also change the learning stages inside a container.
                module.training = False
        return self


def combine_networks(
    networks: Sequence[ExpressionNetwork],
    answer: AnswerSection,
    log_shares: npt.NDArray[np.float64],
) -> "LogitsAndCam":
    """Combine trained networks into the mean of their logits, with the outputs of the recipe.

    Args:
        networks: The networks, which are copied.
        answer: Output settings of the recipe.
        log_shares: float64 (7,), log frequencies of the classes.

    Raises:
        ConfigError: The networks do not support the settings, or do not fit together.
    """
    members = adjust_networks(networks, answer, log_shares)
    return LogitsAndCam(members, size_px=answer.size_px)


def adjust_networks(
    networks: Sequence[ExpressionNetwork],
    answer: AnswerSection,
    log_shares: npt.NDArray[np.float64],
) -> list[ExpressionNetwork]:
    """Copy networks with the output settings of a recipe folded into their last layers."""
    copies = copy.deepcopy(list(networks))
    for network in copies:
        write_out(network)
        if answer.votes:
            merge_heads(network, answer.votes)
        if answer.balance:
            with torch.no_grad():
                offsets = answer.balance * torch.from_numpy(log_shares).float()
                network.last_layer.bias.sub_(offsets)
    return copies


@torch.no_grad()
def merge_heads(network: ExpressionNetwork, votes: float) -> None:
    """Replace the last layer by the weighted mean of both heads; the vote head stays unchanged.

    The mean of logits is the geometric mean of probabilities.

    Args:
        network: A network with a vote head and one linear layer in its head.
        votes: Weight of the vote head, 0..1.

    Raises:
        ConfigError: The network has no vote head, or has dense layers before the last one.
    """
    if network.vote_head is None or not network.has_cam:
        raise ConfigError(
            "answer.votes needs a network with a head for votes (loss.vote_weight above 0) and "
            "without hidden layers; set answer.votes = 0"
        )
    columns = torch.from_numpy(vote_columns())
    last, other = network.last_layer, network.vote_head
    last.weight.lerp_(other.weight[columns], votes)
    last.bias.lerp_(other.bias[columns], votes)


class LogitsAndCam(nn.Module):
    """The mean of one or more networks, with its class-activation maps.

    With global average pooling before one linear layer, that layer at every position of the last
    feature map gives a map per class. The mean of the map is the logit without the bias. If the
    cells of the networks have different centres, the maps are resampled to a grid of equal cells,
    twice as many per side.

    Source:
        Zhou et al. 2016, "Learning Deep Features for Discriminative Localization".

    Args:
        networks: The networks; their normalisation of faces must be the same.
        size_px: Side S of the faces; by default the largest of the networks' sides.

    Attributes:
        input_spec: Preparation of faces.

    Raises:
        ConfigError: The networks normalise faces differently.
    """

    def __init__(
        self, networks: Sequence[ExpressionNetwork], *, size_px: int | None = None
    ) -> None:
        super().__init__()
        self.input_spec = _common_spec([network.input_spec for network in networks], size_px)
        self.networks = nn.ModuleList(networks)
        self.has_cam = all(network.has_cam for network in networks)
        self._grids = tuple(network.grid for network in networks)

    def forward(self, faces: Tensor) -> tuple[Tensor, ...]:
        """Map float (N, 1, S, S) to `logits` (N, 7) and, if `has_cam`, `cam` (N, 7, h, w)."""
        outputs = [self._outputs(network, faces) for network in self.networks]  # type: ignore[arg-type]  # a ModuleList forgets
        logits = _mean([output[0] for output in outputs])
        if not self.has_cam:
            return (logits,)
        return logits, _aligned_mean([output[1] for output in outputs], self._grids)

    def _outputs(self, network: ExpressionNetwork, faces: Tensor) -> tuple[Tensor, ...]:
        features = network.feature_map(resized(faces, network.input_spec.size_px))
        if not self.has_cam:
            return (network.forward_head(features.mean(dim=(2, 3))),)
        last = network.last_layer
        cam = nn.functional.conv2d(features, last.weight[:, :, None, None])
        return cam.mean(dim=(2, 3)) + last.bias + network.offset, cam


# Symbolic tracing does not know shapes, so functions that use them stay calls.
@torch.fx.wrap
def resized(maps: Tensor, size_px: int) -> Tensor:
    """Resize square maps (N, C, S, S) bilinearly; maps of that side are returned unchanged."""
    if maps.shape[-1] == size_px:
        return maps
    return nn.functional.interpolate(
        maps, size=(size_px, size_px), mode="bilinear", antialias=maps.shape[-1] > size_px
    )


@torch.fx.wrap
def _aligned_mean(maps: list[Tensor], grids: tuple[int | None, ...]) -> Tensor:
    """Average maps (N, 7, h, w) whose cells may have different centres in the face."""
    centers = [
        _centers(one.shape[-1], strided_px) for one, strided_px in zip(maps, grids, strict=True)
    ]
    if len(set(centers)) == 1:
        return _mean(maps)
    side = 2 * max(map(len, centers))
    spreads = [torch.from_numpy(spreading(of_one, side).copy()) for of_one in centers]
    return _mean([spread @ one @ spread.T for one, spread in zip(maps, spreads, strict=True)])


def _centers(n_cells: int, strided_px: int | None) -> Centers:
    return even_centers(n_cells) if strided_px is None else strided_centers(n_cells, strided_px)


def _mean(parts: Sequence[Tensor]) -> Tensor:
    return sum(parts[1:], parts[0]) / len(parts)


def _common_spec(specs: Sequence[InputSpec], size_px: int | None) -> InputSpec:
    side = size_px or max(spec.size_px for spec in specs)
    common = {replace(spec, size_px=side) for spec in specs}
    if len(common) > 1:
        raise ConfigError(
            "the networks normalise faces differently; combine networks with the same input"
        )
    return common.pop()


class GrayToColor(nn.Module):
    """Repetition of grey faces in 0..1 over three colours, with a backbone's normalisation."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, faces: Tensor) -> Tensor:
        """Map (N, 1, S, S) to (N, 3, S, S)."""
        return (faces - self.mean) / self.std


def _stage_names(backbone: Backbone) -> Sequence[str]:
    if isinstance(backbone, FaceResNet):
        return backbone.stage_names
    if isinstance(backbone, VisionTransformer):
        return [f"blocks.{index}" for index in range(len(backbone.blocks))]
    return ["layer1", "layer2", "layer3", "layer4"]
