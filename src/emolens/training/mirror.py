"""Convolutions that are equivariant to mirroring.

Half of the filters of a layer are the mirror images of the other half. Their input channels, if
they have such halves, are exchanged too. A mirrored face then gives mirrored features with the
halves exchanged. Pooling and a head with equal weights for both halves give the same logits. The
exception are strided layers on an even number of columns, which sample other columns of a mirrored
face. A layer costs the same as a plain one and has half of its parameters. Export writes it out as
a plain one.

Source:
    Cohen and Welling 2016, "Group Equivariant Convolutional Networks", for the group of two
    elements.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class _MirroredFilters(nn.Module):
    """A parametrisation that derives the second half of filters (O, I, k, k) from the first."""

    def __init__(self, *, has_halves: bool) -> None:
        super().__init__()
        self.has_halves = has_halves

    def forward(self, first: Tensor) -> Tensor:
        second = first.flip(3)
        if self.has_halves:
            second = second.roll(second.shape[1] // 2, dims=1)
        return torch.cat([first, second])

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight[: len(weight) // 2]


class _SameHalves(nn.Module):
    """A parametrisation that repeats the first half of the last axis."""

    def forward(self, first: Tensor) -> Tensor:
        return torch.cat([first, first], dim=-1)

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight[..., : weight.shape[-1] // 2]


def mirror_backbone(backbone: nn.Module) -> None:
    """Tie the filters and batch-norm parameters of a convolutional network, in place."""
    for module in list(backbone.modules()):
        if isinstance(module, nn.Conv2d):
            filters = _MirroredFilters(has_halves=module.in_channels > 1)
            parametrize.register_parametrization(module, "weight", filters)
        elif isinstance(module, nn.BatchNorm2d):
            for name in ("weight", "bias"):
                parametrize.register_parametrization(module, name, _SameHalves())
            module.register_forward_pre_hook(_share_statistics)


def mirror_head(head: nn.Linear) -> None:
    """Tie the weights of a linear layer for both halves of the pooled features, in place."""
    parametrize.register_parametrization(head, "weight", _SameHalves())


def write_out(network: nn.Module) -> None:
    """Replace tied parameters by plain ones with the same values, in place."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            if isinstance(module, nn.BatchNorm2d):
                _share_statistics(module)
                module._forward_pre_hooks.clear()
            # torch stores the properties of tied parameters in the class, which deep copies share.
            shared = type(module)
            module.__class__ = type(shared.__name__, shared.__bases__, dict(shared.__dict__))
            for name in list(module.parametrizations):  # type: ignore[arg-type]  # a ModuleDict
                parametrize.remove_parametrizations(module, name, leave_parametrized=True)


def _share_statistics(module: nn.Module, _inputs: tuple[Tensor, ...] = ()) -> None:
    """Average the running statistics of both halves, which are equal over all faces.

    Runs before the forward pass, when autograd no longer needs them.
    """
    for name in ("running_mean", "running_var"):
        statistics: Tensor = module.get_buffer(name)
        statistics.copy_(statistics.view(2, -1).mean(dim=0).repeat(2))
