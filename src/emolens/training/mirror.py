"""Convolutions that treat a face and its mirror image alike.

Half of the filters of a layer are the mirror images of the other half, and where its input has two
such halves they are exchanged as well. A mirrored face then gives mirrored features with the
halves exchanged, and after pooling and a head that weighs both halves alike the same logits, but
for what strided layers do: on an even number of columns they look at other ones from the other
side. The products cost what plain ones cost, with half of the parameters; for use they are
written out as plain ones.

Source: Cohen and Welling 2016, "Group Equivariant Convolutional Networks", for the group of two
elements.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class _MirroredFilters(nn.Module):
    """Second half of the filters (O, I, k, k) from the first."""

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
    """Second half of the last axis equal to the first."""

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
    """Let a linear layer weigh both halves of the pooled features alike, in place."""
    parametrize.register_parametrization(head, "weight", _SameHalves())


def write_out(network: nn.Module) -> None:
    """Replace tied parameters by plain ones that hold the same values, in place."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            if isinstance(module, nn.BatchNorm2d):
                _share_statistics(module)
                module._forward_pre_hooks.clear()
            # A deep copy shares this class, in which torch keeps the tied parameters' properties.
            shared = type(module)
            module.__class__ = type(shared.__name__, shared.__bases__, dict(shared.__dict__))
            for name in list(module.parametrizations):  # type: ignore[arg-type]  # a ModuleDict
                parametrize.remove_parametrizations(module, name, leave_parametrized=True)


def _share_statistics(module: nn.Module, _inputs: tuple[Tensor, ...] = ()) -> None:
    """Keep the running statistics of both halves equal, as they are over all faces.

    Before the forward pass, since autograd has no use for them any more by then.
    """
    for name in ("running_mean", "running_var"):
        statistics: Tensor = module.get_buffer(name)
        statistics.copy_(statistics.view(2, -1).mean(dim=0).repeat(2))
