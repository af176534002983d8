"""Answers of torch networks for faces as they lie in memory."""

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


def in_chunks(answer: Callable[[Floats], Floats], images: Faces, spec: InputSpec) -> Floats:
    """Answers for uint8 (N, S, S) faces, prepared as a network wants them, a part at a time."""
    starts = range(0, len(images), _CHUNK)
    return np.concatenate(
        [answer(preprocess(list(images[start : start + _CHUNK]), spec)) for start in starts]
    )


@torch.inference_mode()
def torch_logits(network: nn.Module, images: Faces, spec: InputSpec) -> Floats:
    """Logits float32 (N, 7) of a `LogitsAndCam` for uint8 (N, S, S) faces."""

    def answer(faces: Floats) -> Floats:
        logits: Tensor = network(torch.from_numpy(faces))[0]
        return np.asarray(logits.numpy())

    return in_chunks(answer, images, spec)


def pooled_features(
    network: ExpressionNetwork, images: Faces, spec: InputSpec, *, mirror: bool
) -> Tensor:
    """Features float32 (N, V, C) of faces uint8 (N, S, S), for a head that learns alone.

    V is 1, or 2 with the mirror images as second views.
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
