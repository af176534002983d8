"""Answers of torch networks for faces as they lie in memory."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from emolens.core.manifest import InputSpec
from emolens.imaging.preprocess import preprocess
from emolens.training.networks import ExpressionNetwork

_CHUNK = 128


def torch_logits(
    network: nn.Module, images: npt.NDArray[np.uint8], spec: InputSpec
) -> npt.NDArray[np.float32]:
    """Logits float32 (N, 7) of a `LogitsAndCam` for uint8 (N, S, S) faces."""
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), _CHUNK):
            faces = torch.from_numpy(preprocess(list(images[start : start + _CHUNK]), spec))
            logits: Tensor = network(faces)[0]
            rows.append(logits.numpy())
    return np.concatenate(rows)


def pooled_features(
    network: ExpressionNetwork, images: npt.NDArray[np.uint8], spec: InputSpec, *, mirror: bool
) -> Tensor:
    """Features float32 (N, V, C) of faces uint8 (N, S, S), for a head that learns alone.

    V is 1, or 2 with the mirror images as second views.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.eval().to(device)
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), _CHUNK):
            prepared = preprocess(list(images[start : start + _CHUNK]), spec)
            faces = torch.from_numpy(prepared).to(device)
            views = [faces, faces.flip(3)] if mirror else [faces]
            pooled = [network.feature_map(view).mean(dim=(2, 3)).cpu() for view in views]
            parts.append(torch.stack(pooled, dim=1))
    network.to("cpu")
    return torch.cat(parts)
