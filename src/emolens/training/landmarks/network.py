"""Landmark network: five points, a box and a face score of a grey close-up."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from emolens.core.face import LANDMARK_NAMES
from emolens.training.landmarks.recipe import LandmarkNetworkSection

N_POINTS = len(LANDMARK_NAMES)
# Grey levels added to the standard deviation, so a flat close-up stays flat.
_LEAST_CONTRAST = 2.0
# Initial outputs: medians over FER2013 of the points of an upright face whose close-up is 1.3 sides
# of its box wide.
_FIRST_POINTS = ((-0.15, -0.08), (0.15, -0.08), (0.0, 0.07), (-0.12, 0.22), (0.12, 0.22))
_FIRST_BOX = (0.0, 0.0, -0.45, -0.27)


class Found(NamedTuple):
    """Landmarks, boxes and face scores of N close-ups, in sides of the close-up from its centre.

    Attributes:
        landmarks: float32 (N, 5, 2), x and y of the points in the order of `LANDMARK_NAMES`.
        boxes: float32 (N, 4), centre x and y, width and height of the box around the face after it
            is rotated upright.
        faces: float32 (N,), logit that there is a face of that size and place.
    """

    landmarks: Tensor
    boxes: Tensor
    faces: Tensor


class LandmarkNetwork(nn.Module):
    """A small ResNet with a dense layer, which keeps the position of features.

    Source:
        Basic blocks of He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (2016).
    """

    def __init__(self, spec: LandmarkNetworkSection) -> None:
        super().__init__()
        one, two, three, four = spec.channels
        self.features = nn.Sequential(
            _convolution(1, one, stride=2),
            _convolution(one, two, stride=2),
            _Residual(two),
            _convolution(two, three, stride=2),
            _Residual(three),
            _convolution(three, four, stride=2),
        )
        side = spec.size_px // 16
        self.hidden = nn.Sequential(nn.Linear(four * side * side, spec.hidden), nn.ReLU())
        self.last = nn.Linear(spec.hidden, 2 * N_POINTS + 4 + 1)
        first = [*(value for point in _FIRST_POINTS for value in point), *_FIRST_BOX, 0.0]
        with torch.no_grad():
            self.last.weight.mul_(0.1)
            self.last.bias.copy_(torch.tensor(first))

    def forward(self, closeups: Tensor) -> Found:
        """Predict landmarks of float32 (N, 1, S, S) close-ups with grey levels 0..255."""
        deviation = closeups - closeups.mean(dim=(1, 2, 3), keepdim=True)
        spread = deviation.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        maps = self.features(deviation / (spread + _LEAST_CONTRAST))
        outputs = self.last(self.hidden(maps.flatten(1)))
        points, center, size, face = outputs.split((2 * N_POINTS, 2, 2, 1), dim=1)
        boxes = torch.cat([center, size.exp()], dim=1)
        return Found(points.reshape(-1, N_POINTS, 2), boxes, face[:, 0])


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.relu(maps + self.norm(self.second(self.first(maps))))


def _convolution(n_in: int, n_out: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(),
    )
