from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from emolens.training.architectures import build_network
from emolens.training.inference import pooled_features, torch_logits
from emolens.training.networks import LogitsAndCam
from tests.recipes import small_recipe


def test_features_answer_as_images_do(gray_faces: npt.NDArray[np.uint8]) -> None:
    torch.manual_seed(0)
    network = build_network(small_recipe(Path("x"))).eval()
    images, spec = gray_faces[:200], network.input_spec
    features = pooled_features(network, images, spec, mirror=True)
    assert features.shape == (200, 2, 16)
    with torch.no_grad():
        answers = network.forward_head(features[:, 0])
        mirrored = network.forward_head(features[:, 1])
    logits = torch_logits(LogitsAndCam([network]), images, spec)
    np.testing.assert_allclose(answers, logits, atol=1e-5)
    flipped = torch_logits(LogitsAndCam([network]), images[:, :, ::-1].copy(), spec)
    np.testing.assert_allclose(mirrored, flipped, atol=1e-5)
    assert pooled_features(network, images[:3], spec, mirror=False).shape == (3, 1, 16)
