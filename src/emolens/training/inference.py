"""Inference of torch networks on uint8 faces."""

import os
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from emolens.core.manifest import InputSpec
from emolens.imaging.preprocess import preprocess
from emolens.training.networks import ExpressionNetwork

_CHUNK = 128


Faces = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def in_chunks(predict: Callable[[Floats], Floats], images: Faces, spec: InputSpec) -> Floats:
    """Prepare uint8 (N, S, S) faces and run a network on them in chunks."""
    starts = range(0, len(images), _CHUNK)
    return np.concatenate(
        [predict(preprocess(list(images[start : start + _CHUNK]), spec)) for start in starts]
    )


@torch.inference_mode()
def torch_logits(network: nn.Module, images: Faces, spec: InputSpec) -> Floats:
    """Compute logits float32 (N, 7) of a `LogitsAndCam` for uint8 (N, S, S) faces."""

    def predict(faces: Floats) -> Floats:
        logits: Tensor = network(torch.from_numpy(faces))[0]
        return np.asarray(logits.numpy())

    return in_chunks(predict, images, spec)


def pooled_features(
    network: ExpressionNetwork, images: Faces, spec: InputSpec, *, mirror: bool
) -> Tensor:
    """Compute pooled features of faces, for training the head alone.

    Args:
        network: The network.
        images: uint8 (N, S, S).
        spec: Preparation of faces.
        mirror: Whether to add the mirror images as second views.

    Returns:
        float32 (N, V, C) with V = 1, or 2 with `mirror`.
    """
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
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
