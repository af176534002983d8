"""A checkpoint becomes a model file: folded, rounded, calibrated, compared, sealed."""

import copy
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from emolens.classification.onnx_classifier import OnnxEmotionClassifier, softmax
from emolens.core.emotion import LABELS
from emolens.core.errors import ModelError
from emolens.core.manifest import InputSpec, ModelManifest
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import load_faces
from emolens.evaluation.calibration import fit_temperature
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.imaging.preprocess import GRAY_MEAN, GRAY_STD, preprocess
from emolens.media.files import write_bytes
from emolens.runtime.model_file import EmotionModel, seal
from emolens.runtime.session import OnnxSession
from emolens.training.fit import load_checkpoint
from emolens.training.networks import LogitsAndCam
from emolens.training.onnx_graph import to_onnx

# The project's promise for torch against ONNX, checked on every export.
PARITY_TOLERANCE = 1e-4
_N_PARITY_FACES = 256
_CHUNK = 128
_MODEL_LICENSE = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What an export wrote.

    Attributes:
        manifest: The manifest inside the file.
        size_bytes: Size of the file.
        parity: Largest difference between the logits of torch and of the file.
    """

    manifest: ModelManifest
    size_bytes: int
    parity: float


def export_checkpoint(
    checkpoint: Path, out: Path, *, validation: Path | None = None
) -> ExportedModel:
    """Write a checkpoint as a sealed ONNX file.

    Args:
        checkpoint: A `.ckpt` file of `fit`.
        out: The file to write.
        validation: Where the `PublicTest` faces are that the temperature and the manifest's
            figures come from; by default where the recipe says.

    Raises:
        ConfigError: No such checkpoint, or not one of ours.
        DatasetError: The validation faces cannot be read.
        ModelError: torch and the ONNX file disagree by more than `PARITY_TOLERANCE`.
    """
    recipe, module = load_checkpoint(checkpoint)
    source = validation or recipe.data.validation or recipe.data.source
    faces = load_faces(source, Split.PUBLIC_TEST, size_px=recipe.network.size_px)
    network = deployable(LogitsAndCam(module.network))
    spec = InputSpec(size_px=recipe.network.size_px, mean=GRAY_MEAN, std=GRAY_STD)
    logits = torch_logits(network, faces.images, spec)
    temperature = fit_temperature(logits, faces.labels)
    manifest = ModelManifest(
        name=recipe.name,
        labels=LABELS,
        input=spec,
        temperature=temperature,
        dataset="FER2013",
        code_revision=code_revision(),
        metrics=_headline(logits, temperature, faces),
        license=_MODEL_LICENSE,
    )
    content = seal(to_onnx(network, spec.size_px, manifest))
    parity = _measure_parity(content, manifest, faces, logits)
    write_bytes(out, content)
    return ExportedModel(manifest, len(content), parity)


def deployable(network: LogitsAndCam) -> nn.Module:
    """Fold batch norm into the convolutions and round the weights to what float16 can hold.

    The result computes in float32; the rounding lets the file store two bytes a weight and still
    say exactly what this module says.
    """
    folded: nn.Module = fuse(
        copy.deepcopy(network).eval().to(memory_format=torch.contiguous_format)
    )
    with torch.no_grad():
        for parameter in folded.parameters():
            if parameter.ndim > 1:
                parameter.copy_(parameter.half().float())
    return folded.eval()


def torch_logits(
    network: nn.Module, images: npt.NDArray[np.uint8], spec: InputSpec
) -> npt.NDArray[np.float32]:
    """Logits float32 (N, 7) of a deployable network for uint8 (N, S, S) faces."""
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), _CHUNK):
            faces = torch.from_numpy(preprocess(list(images[start : start + _CHUNK]), spec))
            logits: Tensor = network(faces)[0]
            rows.append(logits.numpy())
    return np.concatenate(rows)


def code_revision() -> str:
    """Git revision of the code that runs, or `"unknown"` outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 (whichever git the user has)
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()


def _headline(
    logits: npt.NDArray[np.float32], temperature: float, faces: FaceSet
) -> dict[str, float]:
    probabilities = softmax(logits / temperature).astype(np.float64)
    figures = compute_metrics(Predictions(probabilities, faces.labels))
    return {
        "accuracy": figures.accuracy,
        "macro_f1": figures.macro_f1,
        "nll": figures.nll,
        "ece": figures.ece,
    }


def _measure_parity(
    content: bytes, manifest: ModelManifest, faces: FaceSet, logits: npt.NDArray[np.float32]
) -> float:
    session = OnnxSession(content, name="the new model")
    classifier = OnnxEmotionClassifier(EmotionModel(session, manifest, sha256=""))
    (onnx_logits,) = classifier.run(list(faces.images[:_N_PARITY_FACES]), ("logits",))
    parity = float(np.abs(onnx_logits - logits[:_N_PARITY_FACES]).max())
    if parity > PARITY_TOLERANCE:
        raise ModelError(
            f"torch and the ONNX file differ by {parity:.2e} in a logit, allowed is "
            f"{PARITY_TOLERANCE:.0e}; nothing was written"
        )
    return parity
