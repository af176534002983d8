"""torch module -> ONNX graph, its weights stored in two bytes or one, its manifest attached."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from emolens.core.emotion import N_EMOTIONS
from emolens.core.errors import ModelError
from emolens.core.manifest import LandmarkManifest, ModelManifest
from emolens.runtime.model_file import MANIFEST_KEY
from emolens.runtime.quantization import quantize_graph
from emolens.training.compact_weights import as_bytes

INPUT_NAME = "faces"
OUTPUT_NAMES = ("logits", "cam")
_OPSET = 18


def to_graph(
    network: nn.Module, size_px: int, output_names: Sequence[str] = OUTPUT_NAMES
) -> ModelProto:
    """Trace a network into an ONNX graph with a free batch size.

    Args:
        network: Maps float32 (N, 1, S, S) to its outputs.
        size_px: S.
        output_names: What to call them, in their order.
    """
    program = torch.onnx.export(
        network,
        (torch.zeros(2, 1, size_px, size_px),),
        input_names=[INPUT_NAME],
        output_names=list(output_names),
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


def store_weights_compactly(graph: ModelProto) -> ModelProto:
    """Store weights in one byte or two where that holds them exactly, mirrored filters only once.

    One byte holds the filters that `compact_weights.rounded_to_bytes` gives, two bytes what float16
    does. ONNX Runtime turns them into float32 once, when it loads the model, so the arithmetic
    stays float32 and nothing is lost.
    """
    return _with_stored(graph, TensorProto.FLOAT, _stored)


_Stored = tuple[list[NodeProto], list[TensorProto]]


def _with_stored(
    graph: ModelProto,
    kind: int,
    store: Callable[[npt.NDArray[Any], str], _Stored],
) -> ModelProto:
    """A copy whose weights of a kind are stored as `store` says, mirrored filters only once."""
    compact = ModelProto()
    compact.CopyFrom(graph)
    weights = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in compact.graph.initializer
        if tensor.data_type == kind and len(tensor.dims) >= 2
    }
    others = [tensor for tensor in compact.graph.initializer if tensor.name not in weights]
    nodes: list[NodeProto] = []
    tensors: list[TensorProto] = []
    for name, values in weights.items():
        shift = _mirror_shift(values)
        first, target = values, name
        if shift is not None:
            first, target = values[: len(values) // 2], f"{name}.first"
        more_nodes, more_tensors = store(first, target)
        nodes += more_nodes
        tensors += more_tensors
        if shift is not None:
            nodes += _mirror(target, name, shift)
    if any(node.op_type == "Slice" and node.input[1] in _SLICE for node in nodes):
        tensors += [numpy_helper.from_array(values, name) for name, values in _SLICE.items()]
    nodes += list(compact.graph.node)
    _replace(compact.graph.initializer, [*tensors, *others])
    _replace(compact.graph.node, nodes)
    return compact


def _stored(values: npt.NDArray[np.float32], target: str) -> _Stored:
    """The smallest form that holds the values, and the nodes that make them of it."""
    found = as_bytes(values)
    if found is not None:
        stored, steps, whole = f"{target}.bytes", f"{target}.steps", f"{target}.whole"
        scaled = helper.make_node("Mul", [whole, steps], [target], f"{target}.scale")
        tensors = [numpy_helper.from_array(found[0], stored)]
        tensors.append(numpy_helper.from_array(found[1], steps))
        return [_cast(stored, whole), scaled], tensors
    half = values.astype(np.float16)
    if np.array_equal(half.astype(np.float32), values):
        stored = f"{target}.half"
        return [_cast(stored, target)], [numpy_helper.from_array(half, stored)]
    return [], [numpy_helper.from_array(values, target)]


def _as_it_is(values: npt.NDArray[np.int8], target: str) -> _Stored:
    return [], [numpy_helper.from_array(values, target)]


def _mirror_shift(filters: npt.NDArray[Any]) -> int | None:
    """How far the input channels of (O, I, k, k) are turned in a mirrored second half, if it is."""
    if filters.ndim != 4 or len(filters) % 2:
        return None
    first, second = np.split(filters, 2)
    mirrored = first[..., ::-1]
    half = filters.shape[1] // 2
    return next(
        (shift for shift in (half, 0) if np.array_equal(np.roll(mirrored, shift, 1), second)), None
    )


_COLUMNS_REVERSED = ("mirror.start", "mirror.end", "mirror.axis", "mirror.step")
_SLICE = dict(
    zip(
        _COLUMNS_REVERSED,
        (np.array([value]) for value in (-1, np.iinfo(np.int64).min, 3, -1)),
        strict=True,
    )
)


def _cast(source: str, target: str) -> NodeProto:
    return helper.make_node("Cast", [source], [target], f"{target}.cast", to=TensorProto.FLOAT)


def _mirror(first: str, target: str, shift: int) -> list[NodeProto]:
    """Nodes that put filters and their mirror images together, as `training.mirror` does."""
    flipped = f"{target}.flipped"
    nodes = [helper.make_node("Slice", [first, *_COLUMNS_REVERSED], [flipped], f"{target}.flip")]
    second = flipped
    if shift:
        halves = [f"{target}.left", f"{target}.right"]
        second = f"{target}.second"
        nodes += [
            helper.make_node("Split", [flipped], halves, f"{target}.split", axis=1, num_outputs=2),
            helper.make_node("Concat", halves[::-1], [second], f"{target}.turn", axis=1),
        ]
    nodes.append(helper.make_node("Concat", [first, second], [target], f"{target}.both", axis=0))
    return nodes


def _replace(field: Any, entries: Sequence[Any]) -> None:
    """Give a repeated field of a protocol buffer new content."""
    copies = list(entries)
    del field[:]
    field.extend(copies)


def store_weights_as_int8(graph: ModelProto, faces: npt.NDArray[np.float32]) -> ModelProto:
    """Turn convolutions into 8-bit arithmetic, except those that make the answer.

    Mirrored filters are stored only once.

    Args:
        graph: A float32 graph of `to_graph`.
        faces: float32 (N, 1, S, S) network inputs that show the range of every activation.

    Raises:
        ModelError: The network has no convolutions to speak of.
    """
    n_filters = {tensor.name: tensor.dims[0] for tensor in graph.graph.initializer if tensor.dims}
    convolutions = [
        node.name
        for node in graph.graph.node
        # Weights that are no constants are the head's, reshaped on the way.
        if node.op_type == "Conv" and n_filters.get(node.input[1], N_EMOTIONS) != N_EMOTIONS
    ]
    if len(convolutions) < 2:
        raise ModelError(
            "8-bit arithmetic is for convolutional networks, this one has "
            f"{len(convolutions)} convolution; export without --int8"
        )
    content = quantize_graph(graph.SerializeToString(), {INPUT_NAME: faces}, nodes=convolutions)
    return _with_stored(onnx.load_from_string(content), TensorProto.INT8, _as_it_is)


def with_manifest(graph: ModelProto, manifest: ModelManifest | LandmarkManifest) -> bytes:
    """Serialise a graph with a manifest in its metadata, ready to be sealed."""
    del graph.metadata_props[:]
    entry = graph.metadata_props.add()
    entry.key, entry.value = MANIFEST_KEY, manifest.to_json()
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _strip_locations(graph: ModelProto) -> None:
    """Drop what the exporter warnings about its source lines: paths of the machine it ran on."""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    graph.doc_string = graph.graph.doc_string = ""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
