"""Conversion of torch modules to ONNX graphs with compact weights and a manifest."""

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
    """Convert a network to an ONNX graph with a dynamic batch size.

    Args:
        network: A module from float32 (N, 1, S, S) to its outputs.
        size_px: Side S.
        output_names: Names of the outputs, in their order.
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
    if program is None:  # only if export writes a file itself
        raise RuntimeError("torch.onnx.export returned no program")
    graph: ModelProto = program.model_proto
    _strip_locations(graph)
    return graph


def store_weights_compactly(graph: ModelProto) -> ModelProto:
    """Store weights in one or two bytes if that is exact, and mirrored filters only once.

    One byte holds the filters of `compact_weights.rounded_to_bytes`, two bytes hold float16. ONNX
    Runtime converts them to float32 once, when it loads the model, so the arithmetic stays float32.
    """
    return _with_stored(graph, TensorProto.FLOAT, _compact)


_Stored = tuple[list[NodeProto], list[TensorProto]]


def _with_stored(
    graph: ModelProto,
    kind: int,
    store: Callable[[npt.NDArray[Any], str], _Stored],
) -> ModelProto:
    """Copy a graph and convert its weights of a type by `store`, mirrored filters only once."""
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


def _compact(values: npt.NDArray[np.float32], target: str) -> _Stored:
    """Return the smallest exact form of the values, and the nodes that restore them."""
    packed = as_bytes(values)
    if packed is not None:
        stored, steps, whole = f"{target}.bytes", f"{target}.steps", f"{target}.whole"
        scaled = helper.make_node("Mul", [whole, steps], [target], f"{target}.scale")
        tensors = [numpy_helper.from_array(packed[0], stored)]
        tensors.append(numpy_helper.from_array(packed[1], steps))
        return [_cast(stored, whole), scaled], tensors
    half = values.astype(np.float16)
    if np.array_equal(half.astype(np.float32), values):
        stored = f"{target}.half"
        return [_cast(stored, target)], [numpy_helper.from_array(half, stored)]
    return [], [numpy_helper.from_array(values, target)]


def _unchanged(values: npt.NDArray[np.int8], target: str) -> _Stored:
    return [], [numpy_helper.from_array(values, target)]


def _mirror_shift(filters: npt.NDArray[Any]) -> int | None:
    """Return the roll of the input channels in a mirrored second half of filters (O, I, k, k).

    None if the second half is not the mirror image of the first.
    """
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
    """Build the nodes that append mirror images to filters, as in `training.mirror`."""
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
    """Replace the content of a repeated field of a protocol buffer."""
    copies = list(entries)
    del field[:]
    field.extend(copies)


def store_weights_as_int8(graph: ModelProto, faces: npt.NDArray[np.float32]) -> ModelProto:
    """Quantise the convolutions of a graph to 8 bits, except for those of the head.

    Mirrored filters are stored only once.

    Args:
        graph: A float32 graph of `to_graph`.
        faces: float32 (N, 1, S, S) network inputs for the ranges of the activations.

    Raises:
        ModelError: The network has fewer than two convolutions.
    """
    n_filters = {tensor.name: tensor.dims[0] for tensor in graph.graph.initializer if tensor.dims}
    convolutions = [
        node.name
        for node in graph.graph.node
        # Only the head has weights that are not constants, because it reshapes them.
        if node.op_type == "Conv" and n_filters.get(node.input[1], N_EMOTIONS) != N_EMOTIONS
    ]
    if len(convolutions) < 2:
        raise ModelError(
            f"8-bit arithmetic needs 2 or more convolutions; this network has {len(convolutions)}. "
            "Export without --int8."
        )
    content = quantize_graph(graph.SerializeToString(), {INPUT_NAME: faces}, nodes=convolutions)
    return _with_stored(onnx.load_from_string(content), TensorProto.INT8, _unchanged)


def with_manifest(graph: ModelProto, manifest: ModelManifest | LandmarkManifest) -> bytes:
    """Serialise a graph with a manifest in its metadata, for sealing."""
    del graph.metadata_props[:]
    entry = graph.metadata_props.add()
    entry.key, entry.value = MANIFEST_KEY, manifest.to_json()
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _strip_locations(graph: ModelProto) -> None:
    """Remove the exporter's metadata, which holds paths of this computer."""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    graph.doc_string = graph.graph.doc_string = ""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
