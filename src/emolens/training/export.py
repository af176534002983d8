"""Export of a checkpoint as a model file: fold, round, calibrate, compare and seal."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.fx.experimental.optimization import fuse

from emolens.classification.onnx_classifier import softmax
from emolens.core.emotion import LABELS
from emolens.core.errors import ModelError
from emolens.core.manifest import InputSpec, ModelManifest
from emolens.datasets.faces import FaceSet
from emolens.evaluation.calibration import fit_temperature
from emolens.evaluation.metrics import compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.imaging.preprocess import preprocess
from emolens.runtime.model_file import seal
from emolens.runtime.session import OnnxSession
from emolens.storage.files import write_bytes
from emolens.training.calibration import calibration_faces, class_scales, log_frequencies
from emolens.training.checkpoint import load_checkpoint
from emolens.training.compact_weights import rounded_to_bytes
from emolens.training.faces import load_validation_faces
from emolens.training.inference import in_chunks, torch_logits
from emolens.training.mirror import write_out
from emolens.training.networks import LogitsAndCam, combine_networks
from emolens.training.onnx_graph import (
    INPUT_NAME,
    OUTPUT_NAMES,
    store_weights_as_int8,
    store_weights_compactly,
    to_graph,
    with_manifest,
)
from emolens.training.recipe import Recipe
from emolens.training.recipe_file import changed_for_export

# Limits of every export: torch against ONNX, and INT8 against float.
PARITY_TOLERANCE = 1e-4
INT8_TOLERANCE_POINTS = 0.5
_N_CALIBRATION_FACES = 512


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """The result of an export.

    Attributes:
        manifest: Manifest of the file.
        size_bytes: Size of the file.
        parity: Largest difference between the logits of torch and of the file.
    """

    manifest: ModelManifest
    size_bytes: int
    parity: float


def export_checkpoint(
    checkpoint: Path,
    out: Path,
    *,
    others: Sequence[Path] = (),
    changes: Sequence[str] = (),
    validation: Path | None = None,
    int8: bool = False,
) -> ExportedModel:
    """Write a checkpoint as a sealed ONNX file.

    Args:
        checkpoint: A `.ckpt` file of `fit`.
        out: The file to write.
        others: More checkpoints of any architecture. The model is the mean of all networks.
        changes: Assignments to the recipe, such as `answer.votes=0.5` or `name=my-model`.
        validation: Source of the `validation` faces for the calibration (scales in the last layer,
            temperature in the manifest) and for the metrics in the manifest; by default that of
            the recipe.
        int8: Whether to use 8-bit arithmetic. The file is a quarter as large as float32, and faster
            on processors with VNNI.

    Raises:
        ConfigError: A file does not exist or is not a checkpoint of emolens, the networks do not
            fit together, or a change concerns a key that training uses.
        DatasetError: The validation faces cannot be read.
        ModelError: torch and the ONNX file differ by more than `PARITY_TOLERANCE` in a logit or,
            with 8 bits, by more than `INT8_TOLERANCE_POINTS` of accuracy and more than one face.
            Nothing is written.
    """
    loaded = load_checkpoint(checkpoint)
    recipe = changed_for_export(loaded.recipe, changes)
    if validation:
        recipe = validated_on(recipe, validation)
    faces = load_validation_faces(recipe)
    rows, labels = calibration_faces(recipe, faces)
    more = [load_checkpoint(path) for path in others]
    networks = [*loaded.networks, *(network for one in more for network in one.networks)]
    trained = combine_networks(networks, recipe.answer, log_frequencies(faces.labels))
    spec = trained.input_spec
    raw_logits = torch_logits(trained.eval(), faces.images, spec)
    network = deployable(trained, class_scales(recipe, raw_logits[rows], labels))
    graph = to_graph(network, spec.size_px, OUTPUT_NAMES if trained.has_cam else OUTPUT_NAMES[:1])
    if int8:
        examples = preprocess(list(faces.images[:_N_CALIBRATION_FACES]), spec)
        stored = store_weights_as_int8(graph, examples)
    else:
        stored = store_weights_compactly(graph)
    logits = onnx_logits(stored.SerializeToString(), faces.images, spec)
    reference = torch_logits(network, faces.images, spec)
    _check_parity(logits, reference, faces, int8=int8)
    temperature = fit_temperature(logits[rows], labels)
    manifest = ModelManifest(
        name=_name(recipe.name, changes, int8=int8),
        labels=LABELS,
        input=spec,
        temperature=temperature,
        dataset=" + ".join(section.name for section in loaded.recipe.data),
        code_revision=loaded.code_revision,
        metrics=_headline(logits[rows], temperature, labels),
        license=recipe.license,
        pretrained=_joined([recipe.pretrained, *(one.recipe.pretrained for one in more)]),
    )
    content = seal(with_manifest(stored, manifest))
    write_bytes(out, content)
    return ExportedModel(manifest, len(content), float(np.abs(logits - reference).max()))


def _name(name: str, changes: Sequence[str], *, int8: bool) -> str:
    """Return the name of the model, with the suffix `-int8` unless the user chose a name."""
    is_given = any(change.startswith("name=") for change in changes)
    return f"{name}-int8" if int8 and not is_given else name


def _joined(names: Sequence[str]) -> str:
    """Join the distinct names in order, without empty ones."""
    return " + ".join(dict.fromkeys(name for name in names if name))


def validated_on(recipe: Recipe, source: Path) -> Recipe:
    """Replace the validation faces of a recipe by a source; the target is that of its first one."""
    section = recipe.data[0].model_copy(update={"validation": source, "hold_out": 0.0})
    return recipe.model_copy(update={"data": (section,)})


def deployable(network: LogitsAndCam, scales: npt.NDArray[np.float64] | None = None) -> nn.Module:
    """Fold batch norm and class scales (7,) into the weights, and round these.

    The result computes in float32. Its rounded weights fit into one byte each, so the file gives
    the same outputs as this module.
    """
    unfolded = copy.deepcopy(network).eval().to(memory_format=torch.contiguous_format)
    write_out(unfolded)
    if scales is not None:
        for member in unfolded.networks:
            _fold_scales(scales, member.last_layer)  # type: ignore[arg-type]  # a ModuleList forgets
    return folded(unfolded, in_bytes=True)


def folded(network: nn.Module, *, in_bytes: bool = False) -> nn.Module:
    """Fold batch norm into the weights and round these, in place.

    Args:
        network: Any network.
        in_bytes: Whether to round filters to one byte per weight; other weights become float16.
    """
    plain = network.eval()
    if any(isinstance(module, nn.BatchNorm2d) for module in plain.modules()):
        plain = fuse(plain)
    with torch.no_grad():
        for parameter in plain.parameters():
            if in_bytes and parameter.ndim == 4:
                parameter.copy_(torch.from_numpy(rounded_to_bytes(parameter.numpy())))
            elif parameter.ndim > 1:
                parameter.copy_(parameter.half().float())
    return plain.eval()


def _fold_scales(scales: npt.NDArray[np.float64], last: nn.Linear) -> None:
    factors = torch.tensor(scales, dtype=torch.float32)
    with torch.no_grad():
        last.weight.mul_(factors[:, None])
        last.bias.mul_(factors)


def onnx_logits(
    content: bytes, images: npt.NDArray[np.uint8], spec: InputSpec
) -> npt.NDArray[np.float32]:
    """Run a serialised graph on uint8 (N, S, S) faces; return logits float32 (N, 7)."""
    session = OnnxSession(content, name="the new model")
    return in_chunks(lambda faces: session.run({INPUT_NAME: faces}, ["logits"])[0], images, spec)


def _headline(
    logits: npt.NDArray[np.float32], temperature: float, labels: npt.NDArray[np.int64]
) -> dict[str, float]:
    probabilities = softmax(logits / temperature).astype(np.float64)
    metrics = compute_metrics(Predictions(probabilities, labels))
    return {
        "accuracy": metrics.accuracy,
        "macro_f1": metrics.macro_f1,
        "nll": metrics.nll,
        "ece": metrics.ece,
    }


def _check_parity(
    logits: npt.NDArray[np.float32],
    reference: npt.NDArray[np.float32],
    faces: FaceSet,
    *,
    int8: bool,
) -> None:
    if int8:
        hits, torch_hits = (
            int((rows.argmax(axis=1) == faces.labels).sum()) for rows in (logits, reference)
        )
        lost, points = torch_hits - hits, 100 * (torch_hits - hits) / len(faces)
        # In a small data set a single face exceeds the tolerance.
        if lost > 1 and points > INT8_TOLERANCE_POINTS:
            raise ModelError(
                f"8-bit arithmetic loses {points:.2f} points of accuracy on {len(faces)} "
                f"validation faces; allowed: {INT8_TOLERANCE_POINTS}. Export without --int8."
            )
        return
    difference = float(np.abs(logits - reference).max())
    if difference > PARITY_TOLERANCE:
        raise ModelError(
            f"torch and the ONNX file differ by {difference:.2e} in a logit; allowed: "
            f"{PARITY_TOLERANCE:.0e}. No file was written."
        )
