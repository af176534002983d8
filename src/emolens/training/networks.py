"""The networks a recipe can ask for."""

from timm.models.resnet import BasicBlock, ResNet
from torch import Tensor, nn

from emolens.core.emotion import N_EMOTIONS
from emolens.training.recipe import NetworkSection


def build_network(spec: NetworkSection) -> ResNet:
    """Build a grey-input ResNet with random weights.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition"; the three-convolution
    stem after He et al. 2019, "Bag of Tricks". The max-pooling after the stem is left out, since
    48 px faces have no resolution to spare.
    """
    network = ResNet(
        BasicBlock,  # type: ignore[arg-type]  # timm's annotation means the class
        layers=spec.blocks,
        num_classes=N_EMOTIONS,
        in_chans=1,
        channels=spec.channels,
        stem_type="deep",
        stem_width=spec.stem_channels,
        drop_rate=spec.dropout,
    )
    first: nn.Conv2d = network.get_submodule("conv1.0")  # type: ignore[assignment]  # by name
    first.stride = (spec.stem_stride, spec.stem_stride)
    network.add_module("maxpool", nn.Identity())
    return network


class LogitsAndCam(nn.Module):
    """A ResNet that also returns its class-activation maps.

    With global average pooling before one linear layer, applying that layer at every position of
    the last feature map gives a map per class whose mean is the logit (without the bias).
    Source: Zhou et al. 2016, "Learning Deep Features for Discriminative Localization".
    """

    def __init__(self, network: ResNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Map float (N, 1, S, S) to `logits` (N, 7) and `cam` (N, 7, h, w)."""
        features = self.network.forward_features(faces)
        head = self.network.fc
        cam = nn.functional.conv2d(features, head.weight[:, :, None, None])
        return cam.mean(dim=(2, 3)) + head.bias, cam
