"""What every network of ours is: a backbone that ends in a feature map, pooling, a head."""

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

# Added to the logit of a class that is not told apart: e^-50 even at temperature 20, the highest
# that calibration tries.
_ABSENT_LOGIT = -1000.0

Backbone = ResNet | VisionTransformer | FaceResNet


class ExpressionNetwork(nn.Module):
    """A backbone, global average pooling and a head.

    Attributes:
        backbone: A ResNet or Vision Transformer of timm, or dlib's face ResNet.
        head: Dropout and a linear layer, perhaps with dense layers before it.
        vote_head: A linear layer for the shares of FER+'s votes, in training only, or None.
        input_spec: How faces are prepared for it.
        n_stages: Stages of the backbone, the stem included.
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

    def answer(self, pooled: Tensor) -> Tensor:
        """Map pooled features (N, C) to logits (N, 7)."""
        logits: Tensor = self.head(pooled)
        return logits + self.offset

    def forward(self, faces: Tensor) -> Tensor:
        """Map prepared faces (N, 1, S, S) to logits (N, 7)."""
        return self.answer(self.feature_map(faces).mean(dim=(2, 3)))

    @property
    def last_layer(self) -> nn.Linear:
        """The layer that gives the logits."""
        last = self.head[-1]
        if not isinstance(last, nn.Linear):
            raise TypeError("a head ends in a linear layer")
        return last

    @property
    def has_cam(self) -> bool:
        """Whether nothing but a linear layer follows pooling, so that activation maps exist."""
        return sum(isinstance(layer, nn.Linear) for layer in self.head) == 1

    @property
    def grid(self) -> int | None:
        """Side of the input whose every so many pixels the map's cells are centred on.

        None where the cells are equal parts of the face: patches of a transformer, and the face
        ResNet, whose strided convolutions have no border of zeros.
        """
        return self.input_spec.size_px if isinstance(self.backbone, ResNet) else None

    def centers(self, n_cells: int) -> Centers:
        """Where the cells of a map with so many a side lie in the face, as parts of its side."""
        return _centers(n_cells, self.grid)

    def stage_of(self, parameter_name: str) -> int:
        """The stage of a parameter of this network, 0 for the stem, `n_stages` for the heads."""
        prefix = "backbone."
        if not parameter_name.startswith(prefix):
            return self.n_stages
        name = parameter_name.removeprefix(prefix) + "."
        for stage, start in enumerate(self._stage_names, start=1):
            if name.startswith(f"{start}."):
                return stage
        # The norm after the last block of a transformer learns with that block.
        return self.n_stages - 1 if name.startswith("norm.") else 0

    def freeze(self, learning_stages: int | None) -> None:
        """Let only the heads and so many of the last stages learn; all of them with None."""
        n_learning = self.n_stages if learning_stages is None else learning_stages
        self._n_frozen = max(self.n_stages - n_learning, 0)
        for name, parameter in self.named_parameters():
            parameter.requires_grad = self.stage_of(name) >= self._n_frozen
        self.train(self.training)

    def train(self, mode: bool = True) -> "ExpressionNetwork":  # noqa: FBT001, FBT002 (torch's own)
        """Switch to training or not; frozen stages stay as they are, batch statistics too."""
        super().train(mode)
        for name, module in self.named_modules():
            if name.startswith("backbone.") and self.stage_of(name) < self._n_frozen:
                # Not `eval()`, which would reach into a container's learning stages as well.
                module.training = False
        return self


def answering(
    networks: Sequence[ExpressionNetwork],
    answer: AnswerSection,
    log_shares: npt.NDArray[np.float64],
) -> "LogitsAndCam":
    """Finished networks as the recipe wants them to answer together.

    Args:
        networks: The networks, which stay as they are; the mean of their logits is the answer.
        answer: What they are to say.
        log_shares: float64 (7,), logarithms of how often the classes occur.

    Raises:
        ConfigError: The networks cannot answer so.
    """
    members = answering_networks(networks, answer, log_shares)
    return LogitsAndCam(members, size_px=answer.size_px)


def answering_networks(
    networks: Sequence[ExpressionNetwork],
    answer: AnswerSection,
    log_shares: npt.NDArray[np.float64],
) -> list[ExpressionNetwork]:
    """Copies of the networks, each of which answers as `answering` has them all answer."""
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
    """Let the last layer answer what both heads answer, and leave the vote head as it is.

    The result is the weighted mean of their logits, which is the geometric mean of their
    probabilities.

    Args:
        network: A network with a vote head and one linear layer in its head.
        votes: Weight of the vote head, 0..1.

    Raises:
        ConfigError: It has no vote head, or dense layers before the last one.
    """
    if network.vote_head is None or not network.has_cam:
        raise ConfigError(
            "answer.votes needs a network with a head for votes (loss.vote_weight above 0) and no "
            "hidden layers in the other one"
        )
    columns = torch.from_numpy(vote_columns())
    last, other = network.last_layer, network.vote_head
    last.weight.lerp_(other.weight[columns], votes)
    last.bias.lerp_(other.bias[columns], votes)


class LogitsAndCam(nn.Module):
    """The mean of one or more networks that also returns their class-activation maps.

    With global average pooling before one linear layer, applying that layer at every position of
    the last feature map gives a map per class whose mean is the logit (without the bias).
    Where cells of the networks' maps lie differently in the face, the maps are brought to one grid
    of equal parts with twice as many cells a side.

    Source: Zhou et al. 2016, "Learning Deep Features for Discriminative Localization".

    Args:
        networks: The networks; their normalisation of faces must be the same.
        size_px: Side S of the faces; the largest of the networks' own unless given.

    Attributes:
        input_spec: How faces are prepared for them.

    Raises:
        ConfigError: The networks want faces prepared in different ways.
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
        """Map float (N, 1, S, S) to `logits` (N, 7) and, where it exists, `cam` (N, 7, h, w)."""
        answers = [self._answer(network, faces) for network in self.networks]  # type: ignore[arg-type]  # a ModuleList forgets
        logits = _mean([answer[0] for answer in answers])
        if not self.has_cam:
            return (logits,)
        return logits, _mean_in_place([answer[1] for answer in answers], self._grids)

    def _answer(self, network: ExpressionNetwork, faces: Tensor) -> tuple[Tensor, ...]:
        features = network.feature_map(resized(faces, network.input_spec.size_px))
        if not self.has_cam:
            return (network.answer(features.mean(dim=(2, 3))),)
        last = network.last_layer
        cam = nn.functional.conv2d(features, last.weight[:, :, None, None])
        return cam.mean(dim=(2, 3)) + last.bias + network.offset, cam


# Symbolic tracing does not know shapes, so what looks at them stays a call.
@torch.fx.wrap
def resized(maps: Tensor, size_px: int) -> Tensor:
    """Square maps (N, C, S, S) at another side, bilinearly, or the same ones."""
    if maps.shape[-1] == size_px:
        return maps
    return nn.functional.interpolate(
        maps, size=(size_px, size_px), mode="bilinear", antialias=maps.shape[-1] > size_px
    )


@torch.fx.wrap
def _mean_in_place(maps: list[Tensor], grids: tuple[int | None, ...]) -> Tensor:
    """The mean of maps (N, 7, h, w), each place of the face with the same place of the others."""
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
        raise ConfigError("networks that answer together must want faces prepared alike")
    return common.pop()


class GrayToColor(nn.Module):
    """Repeat grey faces in 0..1 over three colours, normalised as a backbone was trained."""

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
