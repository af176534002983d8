"""Grad-CAM of checkpoints: activation maps of any network of ours, dense layers in the head too.

Where a model file gives maps (`emolens.explanation.activation`), these are the same.

Source: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", section 3, without the ReLU, which heat maps apply themselves.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from emolens.classification.onnx_classifier import softmax
from emolens.core.emotion import N_EMOTIONS, EmotionScores
from emolens.core.errors import ConfigError
from emolens.core.manifest import InputSpec
from emolens.explanation.activation import ActivationMaps
from emolens.imaging.preprocess import preprocess
from emolens.training.checkpoint import load_checkpoint
from emolens.training.networks import ExpressionNetwork, answering_networks

_CHUNK = 32
Crops = Sequence[npt.NDArray[np.uint8]]


class GradCamExplainer:
    """Grad-CAM and scores of one network, or of the mean of several.

    Implements `emolens.explanation.FaceExplainer`. The networks are copied; those given stay as
    they are. Probabilities are the networks' own, not calibrated as an export calibrates them.

    Args:
        networks: One or more, of one architecture.

    Raises:
        ConfigError: There is no network.
    """

    def __init__(self, networks: Sequence[ExpressionNetwork]) -> None:
        if not networks:
            raise ConfigError("Grad-CAM needs at least one network, got none")
        self._networks = [copy.deepcopy(network).eval() for network in networks]
        self._spec = networks[0].input_spec

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a checkpoint, its heads merged as its recipe's `answer.votes` says.

        Raises:
            ConfigError: A missing file, or one that is not ours.
        """
        loaded = load_checkpoint(path)
        # A balanced answer moves the scores alone, and needs faces to count.
        answer = loaded.recipe.answer.model_copy(update={"balance": 0.0})
        return cls(answering_networks(loaded.networks, answer, np.zeros(N_EMOTIONS)))

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the crops it reads."""
        return self._spec

    def classify(self, crops: Crops) -> list[EmotionScores]:
        """Scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in the order given."""
        scores: list[EmotionScores] = []
        for faces in self._chunks(crops):
            scores += self._scores(self._features(faces))
        return scores

    def explain(self, crops: Crops) -> list[ActivationMaps]:
        """Maps and scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in the order given.

        A map is Grad-CAM times the number of its cells: with a linear head its mean is then the
        logit without its bias, as it is in model files; with dense layers it is the part of the
        logit that is linear in the pooled features.
        """
        explained: list[ActivationMaps] = []
        for faces in self._chunks(crops):
            features = self._features(faces)
            pairs = zip(self._networks, features, strict=True)
            maps = torch.stack([_grad_cam(network, of_one) for network, of_one in pairs])
            centers = self._networks[0].centers(maps.shape[-1])
            explained += [
                ActivationMaps(of_face, scores, centers)
                for of_face, scores in zip(
                    maps.mean(dim=0).numpy(), self._scores(features), strict=True
                )
            ]
        return explained

    def _chunks(self, crops: Crops) -> list[Tensor]:
        starts = range(0, len(crops), _CHUNK)
        parts = (preprocess(crops[start : start + _CHUNK], self._spec) for start in starts)
        return [torch.from_numpy(faces) for faces in parts]

    @torch.no_grad()
    def _features(self, faces: Tensor) -> list[Tensor]:
        """The last feature map (N, C, h, w) of every network."""
        return [network.feature_map(faces) for network in self._networks]

    @torch.no_grad()
    def _scores(self, features: Sequence[Tensor]) -> list[EmotionScores]:
        pairs = zip(self._networks, features, strict=True)
        logits = [network.answer(of_one.mean(dim=(2, 3))) for network, of_one in pairs]
        return [EmotionScores(row) for row in softmax(torch.stack(logits).mean(dim=0).numpy())]


class _FromFeatures(nn.Module):
    """What follows a network's last feature map, which passes a layer that captum can hold on to.

    Gradients end at that map anyway, so what comes before it need not run again for every class.
    """

    def __init__(self, network: ExpressionNetwork) -> None:
        super().__init__()
        self.network = network
        self.features = nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        passed: Tensor = self.features(features)
        return self.network.answer(passed.mean(dim=(2, 3)))


def _grad_cam(network: ExpressionNetwork, features: Tensor) -> Tensor:
    """Maps (N, 7, h, w) with signs, for feature maps (N, C, h, w)."""
    following = _FromFeatures(network)
    method = LayerGradCam(following, following.features)
    inputs = features.detach().clone().requires_grad_()
    maps = [method.attribute(inputs, target=index).detach() for index in range(N_EMOTIONS)]
    together = torch.cat(maps, dim=1)
    return together * together[0, 0].numel()
