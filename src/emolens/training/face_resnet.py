"""dlib's face-recognition ResNet, a variant of ResNet-34 trained on three million faces.

The network has 29 convolutions: a stem, and 14 blocks in five levels.
docs/experiments/0019-transfer.md describes its training data and licence.

Source:
    Davis King, "High Quality Face Recognition with Deep Metric Learning" (2017), and dlib's
    examples/dnn_face_recognition_ex.cpp, for the layers.
    He et al. 2016, "Deep Residual Learning for Image Recognition".
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.fx
from torch import Tensor, nn
from torch.nn import functional

from emolens.core.errors import ConfigError
from emolens.core.manifest import InputSpec

# Blocks and channels of each level. All but the first level halve the resolution.
_LEVELS: Final = ((3, 32), (4, 64), (3, 128), (3, 256), (1, 256))
_STEM_CHANNELS: Final = 32
# dlib's mean of red, green and blue, in 0..255, and its divisor.
_COLOR_MEAN: Final = (122.782, 117.001, 104.298)
_COLOR_SCALE: Final = 256.0


class FaceResNet(nn.Module):
    """The network up to its last feature map, for grey faces.

    Attributes:
        num_features: Channels of the feature map.
        stage_names: Names of the levels after the stem, for learning rates by stage.

    Args:
        last_stride: Stride of the last level: 2 as in dlib, or 1 for a feature map of more than one
            cell at 112 px.
    """

    num_features: Final = _LEVELS[-1][1]
    stage_names: Final = tuple(f"levels.{number}" for number in range(len(_LEVELS)))

    def __init__(self, *, last_stride: int = 2) -> None:
        super().__init__()
        self.stem = _Scaled(1, _STEM_CHANNELS, 7, stride=2, padding=0)
        self.pool = nn.MaxPool2d(3, stride=2)
        levels = []
        n_in = _STEM_CHANNELS
        for number, (n_blocks, n_out) in enumerate(_LEVELS):
            stride = 1 if number == 0 else last_stride if number == len(_LEVELS) - 1 else 2
            blocks = [_Block(n_in, n_out, stride)]
            blocks += [_Block(n_out, n_out, 1) for _ in range(n_blocks - 1)]
            levels.append(nn.Sequential(*blocks))
            n_in = n_out
        self.levels = nn.Sequential(*levels)

    def forward_features(self, faces: Tensor) -> Tensor:
        """Map prepared faces (N, 1, S, S) to features (N, 256, h, w)."""
        features: Tensor = self.levels(self.pool(functional.relu(self.stem(faces))))
        return features

    def forward(self, faces: Tensor) -> Tensor:
        """Map prepared faces to features, as `forward_features`."""
        return self.forward_features(faces)


class _Scaled(nn.Module):
    """A convolution and batch normalisation, initialised with dlib's fixed scale and shift."""

    def __init__(self, n_in: int, n_out: int, side: int, *, stride: int, padding: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, side, stride=stride, padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, features: Tensor) -> Tensor:
        scaled: Tensor = self.norm(self.conv(features))
        return scaled


class _Block(nn.Module):
    """A residual block of two convolutions.

    If it halves the resolution, the shortcut is averaged over 2x2 cells. The smaller of the two
    maps is padded with zeros at the right and the bottom, and with channels of zeros.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = _Scaled(n_in, n_out, 3, stride=stride, padding=1 if stride == 1 else 0)
        self.second = _Scaled(n_out, n_out, 3, stride=1, padding=1)
        self._halves = stride > 1
        self._n_more = n_out - n_in

    def forward(self, features: Tensor) -> Tensor:
        added = self.second(functional.relu(self.first(features)))
        if self._halves:
            features = functional.avg_pool2d(features, 2)
            added = _filled_up(added, features)
        if self._n_more:
            features = functional.pad(features, (0, 0, 0, 0, 0, self._n_more))
        return functional.relu(features + added)


@torch.fx.wrap  # symbolic tracing does not know shapes
def _filled_up(added: Tensor, features: Tensor) -> Tensor:
    """Add zeros below and to the right: without padding an even side gives one place less."""
    rows, columns = (features.shape[axis] - added.shape[axis] for axis in (2, 3))
    return functional.pad(added, (0, columns, 0, rows))


def load_face_resnet(
    network: FaceResNet, weights: Mapping[str, npt.NDArray[np.float32]], spec: InputSpec
) -> None:
    """Load dlib's weights; on grey faces the outputs then equal those of dlib.

    Args:
        network: The network.
        weights: Arrays of `emolens.training.dlib_file.read_dlib_face_resnet`.
        spec: Preparation of faces, which is folded into the first convolution.

    Raises:
        ConfigError: An array has another shape.
    """
    with torch.no_grad():
        for name, layer in _layers(network).items():
            filters = weights[f"{name}.weight"].astype(np.float64)
            shift = weights[f"{name}.bias"].astype(np.float64)
            if name == "stem":
                filters, shift = _for_gray(filters, shift, spec)
            gamma, beta = weights[f"{name}.gamma"], weights[f"{name}.beta"]
            if filters.shape != tuple(layer.conv.weight.shape):
                raise ConfigError(
                    f"network.weights: the filters of {name} have the shape {filters.shape}; "
                    f"expected: {tuple(layer.conv.weight.shape)}"
                )
            layer.conv.weight.copy_(torch.from_numpy(filters))
            layer.norm.reset_running_stats()
            # The mean is 0 and the variance 1, apart from epsilon.
            scale = np.sqrt(1 + layer.norm.eps)
            layer.norm.weight.copy_(torch.from_numpy(gamma * scale))
            layer.norm.bias.copy_(torch.from_numpy(beta + gamma * shift))


def _for_gray(
    filters: npt.NDArray[np.float64], shift: npt.NDArray[np.float64], spec: InputSpec
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Convert filters (N, 3, h, w) for colours in 0..255 to (N, 1, h, w) for prepared grey."""
    means = np.array(_COLOR_MEAN)[None, :, None, None]
    offset = (filters * (255 * spec.mean - means) / _COLOR_SCALE).sum(axis=(1, 2, 3))
    gray = filters.sum(axis=1, keepdims=True) * (255 * spec.std / _COLOR_SCALE)
    return gray, shift + offset


def _layers(network: FaceResNet) -> dict[str, _Scaled]:
    """Map the names in dlib's file to the convolutions, in the order of the network."""
    blocks = [block for level in network.levels for block in level]  # type: ignore[attr-defined]  # a Sequential of Sequentials
    pairs = [
        (f"block{number:02}.{place}", getattr(block, place))
        for number, block in enumerate(blocks)
        for place in ("first", "second")
    ]
    return {"stem": network.stem, **dict(pairs)}


@torch.no_grad()
def measure_statistics(network: nn.Module, faces: Tensor) -> None:
    """Set the statistics of all batch normalisation from some faces, without changing the outputs.

    dlib's file has scales and shifts but no means and variances. Training needs these, because it
    normalises by the statistics of each batch.

    Args:
        network: Any network in evaluation mode.
        faces: Prepared faces (N, 1, S, S), N in the hundreds.
    """

    def measure(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if not isinstance(layer, nn.BatchNorm2d):
            return
        mean, variance = _statistics(layer)
        factor = layer.weight / torch.sqrt(variance + layer.eps)
        new_variance, new_mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        layer.bias.add_((new_mean - mean) * factor)
        layer.weight.copy_(factor * torch.sqrt(new_variance + layer.eps))
        mean.copy_(new_mean)
        variance.copy_(new_variance)

    hooks = [layer.register_forward_pre_hook(measure) for layer in network.modules()]
    try:
        network(faces)
    finally:
        for hook in hooks:
            hook.remove()


def _statistics(layer: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    mean, variance = layer.running_mean, layer.running_var
    if mean is None or variance is None:
        raise TypeError("a batch normalisation layer has no running statistics")
    return mean, variance
