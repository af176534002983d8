"""The face ResNet with random weights, and with dlib's where these are at hand."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from emolens.core.errors import ConfigError
from emolens.core.manifest import InputSpec
from emolens.imaging.preprocess import GRAY_MEAN, GRAY_STD
from emolens.training.face_resnet import FaceResNet, load_face_resnet, measure_statistics
from tests.real_data import PRETRAINED, needs

COLOR_MEAN = torch.tensor([122.782, 117.001, 104.298]).view(1, 3, 1, 1)
SPEC = InputSpec(size_px=112, mean=GRAY_MEAN, std=GRAY_STD)
needs_weights = needs(PRETRAINED)


def weights() -> dict[str, np.ndarray]:
    return dict(np.load(PRETRAINED / "dlib-face-resnet.npz"))


def filled(network: FaceResNet) -> FaceResNet:
    """A network whose batch normalisation is not that of a new one."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias)
    return network.eval()


@pytest.mark.parametrize(
    ("size_px", "last_stride", "side"),
    [(112, 2, 1), (150, 2, 2), (96, 1, 2), (112, 1, 3), (128, 1, 3), (150, 1, 4)],
)
def test_the_map_has_as_many_places_as_dlibs(size_px: int, last_stride: int, side: int) -> None:
    faces = torch.zeros(2, 1, size_px, size_px)
    features = FaceResNet(last_stride=last_stride).eval()(faces)
    assert features.shape == (2, 256, side, side)


def test_measuring_changes_no_answer_and_makes_training_start_there() -> None:
    network = filled(FaceResNet())
    faces = torch.rand(32, 1, 112, 112)
    others = torch.rand(4, 1, 112, 112)
    before, before_others = network(faces), network(others)
    measure_statistics(network, faces)
    torch.testing.assert_close(network(faces), before, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(network(others), before_others, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(network.train()(faces), before, rtol=1e-3, atol=1e-3)


def in_color(network: FaceResNet, images: torch.Tensor) -> torch.Tensor:
    """The embedding of RGB images (N, 3, H, W) in 0..255, with the first layer in colour."""
    known = {name: torch.from_numpy(array) for name, array in weights().items()}
    scaled = functional.conv2d(
        (images - COLOR_MEAN) / 256, known["stem.weight"], known["stem.bias"], stride=2
    )
    gamma, beta = (known[f"stem.{name}"].view(1, -1, 1, 1) for name in ("gamma", "beta"))
    features = network.levels(network.pool(functional.relu(scaled * gamma + beta)))
    embedding: torch.Tensor = features.mean(dim=(2, 3)) @ known["embedding.weight"].T
    return embedding


@pytest.mark.data
@needs_weights
def test_it_computes_what_dlib_computes() -> None:
    network = FaceResNet().eval()
    load_face_resnet(network, weights(), SPEC)
    reference = np.load(PRETRAINED / "reference.npz")
    image = torch.from_numpy(reference["image_rgb"].astype(np.float32)).permute(2, 0, 1)[None]
    with torch.no_grad():
        embedding = in_color(network, image)[0]
    np.testing.assert_allclose(embedding.numpy(), reference["embedding"], atol=1e-5)


@pytest.mark.data
@needs_weights
def test_grey_faces_are_those_with_three_equal_colours() -> None:
    network = FaceResNet().eval()
    load_face_resnet(network, weights(), SPEC)
    gray = torch.randint(0, 256, (2, 1, 112, 112)).float()
    with torch.no_grad():
        features = network((gray / 255 - SPEC.mean) / SPEC.std).mean(dim=(2, 3))
        embedding = features @ torch.from_numpy(weights()["embedding.weight"]).T
        torch.testing.assert_close(
            embedding, in_color(network, gray.repeat(1, 3, 1, 1)), atol=1e-4, rtol=1e-4
        )


def test_weights_of_another_network_are_refused() -> None:
    strange = {
        f"stem.{name}": np.ones(shape, np.float32)
        for name, shape in (("weight", (2, 3, 1, 1)), ("bias", 2), ("gamma", 2), ("beta", 2))
    }
    with pytest.raises(ConfigError, match="filters"):
        load_face_resnet(FaceResNet(), strange, SPEC)
