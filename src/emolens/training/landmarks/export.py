"""Export of a landmark checkpoint as a model file: fold, round, compare and seal."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from emolens.core.errors import ModelError
from emolens.core.manifest import LandmarkManifest
from emolens.runtime.batches import run_rows
from emolens.runtime.model_file import LANDMARK_OUTPUTS, seal
from emolens.runtime.session import OnnxSession
from emolens.storage.files import write_bytes
from emolens.training.export import PARITY_TOLERANCE, folded
from emolens.training.landmarks.checkpoint import load_landmarks
from emolens.training.landmarks.images import load_backgrounds
from emolens.training.landmarks.recipe import LandmarkRecipe
from emolens.training.onnx_graph import store_weights_compactly, to_graph, with_manifest

_N_COMPARED = 64


@dataclass(frozen=True, slots=True)
class ExportedLandmarks:
    """The result of an export.

    Attributes:
        manifest: Manifest of the file.
        size_bytes: Size of the file.
        parity: Largest difference between torch and the file in any output.
    """

    manifest: LandmarkManifest
    size_bytes: int
    parity: float


class _WithProbability(nn.Module):
    """The network with a probability instead of a logit."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, closeups: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        landmarks, boxes, faces = self.network(closeups)
        return landmarks, boxes, torch.sigmoid(faces)


def export_landmarks(checkpoint: Path, out: Path) -> ExportedLandmarks:
    """Write a checkpoint of a landmark network as a sealed ONNX file.

    Args:
        checkpoint: A `.ckpt` file of `fit_landmarks`.
        out: The file to write.

    Raises:
        ConfigError: The file does not exist, or is not a landmark checkpoint.
        ModelError: torch and the ONNX file differ by more than the tolerance. Nothing is written.
    """
    loaded = load_landmarks(checkpoint)
    size_px = loaded.recipe.network.size_px
    network = _WithProbability(folded(loaded.network)).eval()
    stored = store_weights_compactly(to_graph(network, size_px, LANDMARK_OUTPUTS))
    manifest = landmark_manifest(loaded.recipe, loaded.metrics, loaded.code_revision)
    content = seal(with_manifest(stored, manifest))
    parity = _largest_difference(content, network, size_px)
    if parity > PARITY_TOLERANCE:
        raise ModelError(
            f"torch and the ONNX file differ by {parity:.2e} sides of the close-up; allowed: "
            f"{PARITY_TOLERANCE:.0e}. No file was written."
        )
    write_bytes(out, content)
    return ExportedLandmarks(manifest, len(content), parity)


def landmark_manifest(
    recipe: LandmarkRecipe, metrics: dict[str, float], code_revision: str
) -> LandmarkManifest:
    """Build the manifest of a model file, before it is sealed."""
    return LandmarkManifest(
        name=recipe.name,
        size_px=recipe.network.size_px,
        scale=recipe.views.scale,
        dataset=" + ".join(section.name for section in recipe.images),
        teachers=" + ".join(teacher.detector for teacher in recipe.teachers),
        code_revision=code_revision,
        metrics=metrics,
        license=recipe.license,
    )


def _largest_difference(content: bytes, network: nn.Module, size_px: int) -> float:
    """Compute the largest difference between torch and a model file on images and textures."""
    images = load_backgrounds(None, size_px, seed=0)
    step = len(images) // _N_COMPARED
    closeups = images[::step, None].astype(np.float32)
    session = OnnxSession(content, name="the new model")
    outputs = run_rows(session, closeups, LANDMARK_OUTPUTS)
    with torch.inference_mode():
        reference = [part.numpy() for part in network(torch.from_numpy(closeups))]
    return max(
        float(np.abs(one - other).max()) for one, other in zip(outputs, reference, strict=True)
    )
