import pytest
import torch

from emolens.training.networks import LogitsAndCam, build_network
from emolens.training.recipe import NetworkSection

SMALL = NetworkSection(blocks=(1, 1, 1, 1), channels=(8, 8, 16, 16), stem_channels=4)


@pytest.mark.parametrize(("stem_stride", "side"), [(1, 6), (2, 3)])
def test_resolution_follows_the_stem(stem_stride: int, side: int) -> None:
    spec = SMALL.model_copy(update={"stem_stride": stem_stride})
    features = build_network(spec).forward_features(torch.zeros(2, 1, 48, 48))
    assert features.shape == (2, 16, side, side)


def test_the_mean_of_the_map_and_the_bias_is_the_logit() -> None:
    torch.manual_seed(0)
    network = build_network(SMALL).eval()
    faces = torch.randn(3, 1, 48, 48)
    logits, cam = LogitsAndCam(network)(faces)
    torch.testing.assert_close(logits, network(faces))
    torch.testing.assert_close(cam.mean(dim=(2, 3)) + network.fc.bias, logits)
