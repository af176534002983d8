"""Grad-CAM of checkpoints: activation maps of any network, including heads with dense layers.

The maps equal those of a model file, if it has maps (`emolens.explanation.activation`).

Source:
    Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization", section 3, without the ReLU, which heat maps apply.
"""

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from emolens.classification.onnx_classifier import softmax
from emolens.core.description import MODEL, Description, ModelIdentity
from emolens.core.emotion import N_EMOTIONS, EmotionScores
from emolens.core.errors import ConfigError
from emolens.core.manifest import InputSpec
from emolens.explanation.activation import ActivationMaps
from emolens.imaging.preprocess import preprocess
from emolens.training.checkpoint import load_checkpoint
from emolens.training.networks import ExpressionNetwork, adjust_networks

_CHUNK = 32
Crops = Sequence[npt.NDArray[np.uint8]]


class GradCamExplainer:
    """A Grad-CAM explainer of one network, or of the mean of several.

    Implements `emolens.explanation.FaceExplainer`. The networks are copied. The probabilities are
    not calibrated, unlike those of an exported model.

    Args:
        networks: One or more networks of one architecture.
        identity: Their name and the digest of their checkpoint.

    Raises:
        ConfigError: There is no network.
    """

    def __init__(
        self, networks: Sequence[ExpressionNetwork], *, identity: ModelIdentity | None = None
    ) -> None:
        if not networks:
            raise ConfigError("networks is empty; Grad-CAM needs at least one network")
        self._identity = identity or ModelIdentity("network")
        self._networks = [copy.deepcopy(network).eval() for network in networks]
        self._spec = networks[0].input_spec

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load a checkpoint and merge its heads by `answer.votes` of its recipe.

        Raises:
            ConfigError: The file does not exist, or is not a checkpoint of emolens.
        """
        loaded = load_checkpoint(path)
        # answer.balance shifts the scores only, and needs class frequencies.
        answer = loaded.recipe.answer.model_copy(update={"balance": 0.0})
        identity = ModelIdentity(loaded.recipe.name, hashlib.sha256(path.read_bytes()).hexdigest())
        networks = adjust_networks(loaded.networks, answer, np.zeros(N_EMOTIONS))
        return cls(networks, identity=identity)

    @property
    def description(self) -> Description:
        """The networks."""
        return {MODEL: self._identity}

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the input."""
        return self._spec

    def classify(self, crops: Crops) -> list[EmotionScores]:
        """Classify uint8 crops, (H, W) grey or (H, W, 3) BGR; the scores have the same order."""
        scores: list[EmotionScores] = []
        for faces in self._chunks(crops):
            scores += self._scores(self._features(faces))
        return scores

    def explain(self, crops: Crops) -> list[ActivationMaps]:
        """Compute maps and scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in the same order.

        A map is Grad-CAM times the number of its cells. With a linear head, its mean is the logit
        without the bias, as in model files. With dense layers, its mean is the part of the logit
        that is linear in the pooled features.
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
        """Compute the last feature map (N, C, h, w) of every network."""
        return [network.feature_map(faces) for network in self._networks]

    @torch.no_grad()
    def _scores(self, features: Sequence[Tensor]) -> list[EmotionScores]:
        pairs = zip(self._networks, features, strict=True)
        logits = [network.forward_head(of_one.mean(dim=(2, 3))) for network, of_one in pairs]
        return [EmotionScores(row) for row in softmax(torch.stack(logits).mean(dim=0).numpy())]


class _FromFeatures(nn.Module):
    """The head of a network behind an identity layer, to which captum attaches.

    Grad-CAM needs gradients of the last feature map only, so the backbone runs once for all
    classes.
    """

    def __init__(self, network: ExpressionNetwork) -> None:
        super().__init__()
        self.network = network
        self.features = nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        passed: Tensor = self.features(features)
        return self.network.forward_head(passed.mean(dim=(2, 3)))


def _grad_cam(network: ExpressionNetwork, features: Tensor) -> Tensor:
    """Compute signed maps (N, 7, h, w) of feature maps (N, C, h, w)."""
    following = _FromFeatures(network)
    method = LayerGradCam(following, following.features)
    inputs = features.detach().clone().requires_grad_()
    maps = [method.attribute(inputs, target=index).detach() for index in range(N_EMOTIONS)]
    together = torch.cat(maps, dim=1)
    return together * together[0, 0].numel()
