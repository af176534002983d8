"""torch module -> ONNX graph, its weights stored in two bytes or one, its manifest attached."""

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import nn

from emolens.core.manifest import ModelManifest
from emolens.runtime.model_file import MANIFEST_KEY
from emolens.runtime.quantization import quantize_graph

INPUT_NAME = "faces"
OUTPUT_NAMES = ("logits", "cam")
_OPSET = 18


def to_graph(network: nn.Module, size_px: int) -> ModelProto:
    """Trace a network into an ONNX graph with a free batch size.

    Args:
        network: Maps float32 (N, 1, S, S) to `logits` (N, 7) and `cam` (N, 7, h, w).
        size_px: S.
    """
    program = torch.onnx.export(
        network,
        (torch.zeros(2, 1, size_px, size_px),),
        input_names=[INPUT_NAME],
        output_names=list(OUTPUT_NAMES),
        dynamic_shapes=({0: torch.export.Dim("n_faces")},),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:  # only where export is told to write a file itself
        raise RuntimeError("torch.onnx.export gave no program")
    graph: ModelProto = program.model_proto
    _strip_locations(graph)
    return graph


def store_weights_as_half(graph: ModelProto) -> ModelProto:
    """Replace every weight that float16 holds exactly by a float16 tensor and a cast.

    ONNX Runtime casts once when it loads the model, so the arithmetic stays float32.
    """
    halved_graph = ModelProto()
    halved_graph.CopyFrom(graph)
    casts = []
    for tensor in halved_graph.graph.initializer:
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
    nodes = list(halved_graph.graph.node)
    del halved_graph.graph.node[:]
    halved_graph.graph.node.extend([*casts, *nodes])
    return halved_graph


def store_weights_as_int8(graph: ModelProto, faces: npt.NDArray[np.float32]) -> ModelProto:
    """Turn convolutions into 8-bit arithmetic, except the last one, which makes the answer.

    Args:
        graph: A float32 graph of `to_graph`.
        faces: float32 (N, 1, S, S) network inputs that show the range of every activation.
    """
    convolutions = [node.name for node in graph.graph.node if node.op_type == "Conv"]
    content = quantize_graph(
        graph.SerializeToString(), {INPUT_NAME: faces}, nodes=convolutions[:-1]
    )
    quantized: ModelProto = onnx.load_from_string(content)
    return quantized


def with_manifest(graph: ModelProto, manifest: ModelManifest) -> bytes:
    """Serialise a graph with a manifest in its metadata, ready to be sealed."""
    del graph.metadata_props[:]
    entry = graph.metadata_props.add()
    entry.key, entry.value = MANIFEST_KEY, manifest.to_json()
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _strip_locations(graph: ModelProto) -> None:
    """Drop what the exporter notes about its source lines: paths of the machine it ran on."""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    graph.doc_string = graph.graph.doc_string = ""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
