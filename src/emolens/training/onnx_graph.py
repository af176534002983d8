"""torch module -> ONNX bytes with half-size weights and a manifest."""

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import nn

from emolens.core.manifest import ModelManifest
from emolens.runtime.model_file import MANIFEST_KEY

INPUT_NAME = "faces"
OUTPUT_NAMES = ("logits", "cam")
_OPSET = 18


def to_onnx(network: nn.Module, size_px: int, manifest: ModelManifest) -> bytes:
    """Write a network as ONNX with a free batch size.

    Args:
        network: Maps float32 (N, 1, S, S) to `logits` (N, 7) and `cam` (N, 7, h, w).
        size_px: S.
        manifest: Stored in the file's metadata.
    """
    example = torch.zeros(2, 1, size_px, size_px)
    program = torch.onnx.export(
        network,
        (example,),
        input_names=[INPUT_NAME],
        output_names=list(OUTPUT_NAMES),
        dynamic_shapes=({0: torch.export.Dim("n_faces")},),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:  # only where export is told to write a file itself
        raise RuntimeError("torch.onnx.export gave no program")
    model = program.model_proto
    _store_weights_as_half(model)
    _strip_locations(model)
    entry = model.metadata_props.add()
    entry.key, entry.value = MANIFEST_KEY, manifest.to_json()
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _store_weights_as_half(model: ModelProto) -> None:
    """Replace every weight that float16 holds exactly by a float16 tensor and a cast.

    ONNX Runtime casts once when it loads the model, so the arithmetic stays float32.
    """
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        weights = numpy_helper.to_array(tensor)
        halved = weights.astype(np.float16)
        if not np.array_equal(halved.astype(np.float32), weights):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(halved, f"{name}.half"))
        casts.append(
            helper.make_node("Cast", [f"{name}.half"], [name], f"{name}.cast", to=TensorProto.FLOAT)
        )
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])


def _strip_locations(model: ModelProto) -> None:
    """Drop what the exporter notes about its source lines: paths of the machine it ran on."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
