import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from emolens.runtime.session import OnnxSession
from emolens.training.onnx_graph import store_weights_compactly


def convolution(weights: np.ndarray) -> onnx.ModelProto:
    """A graph that is one convolution."""
    n_out, n_in, side, _ = weights.shape
    node = helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[side // 2] * 4)
    shape = [1, n_in, 9, 9]
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, n_out, 9, 9])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def answer(model: onnx.ModelProto, n_in: int) -> np.ndarray:
    onnx.checker.check_model(model)
    x = np.random.default_rng(0).normal(size=(1, n_in, 9, 9)).astype(np.float32)
    return OnnxSession(model.SerializeToString(), name="test").run({"x": x}, ["y"])[0]


@pytest.mark.parametrize("kind", ["first", "inner", "free", "rough"])
def test_compact_weights_give_the_same_to_the_last_bit(kind: str) -> None:
    rng = np.random.default_rng(1)
    n_in = 1 if kind == "first" else 6
    half = rng.normal(size=(4, n_in, 3, 3)).astype(np.float16).astype(np.float32)
    second = half[..., ::-1]
    if kind == "inner":
        second = np.roll(second, 3, axis=1)
    if kind in {"free", "rough"}:
        second = rng.normal(size=half.shape).astype(np.float16).astype(np.float32)
    weights = np.concatenate([half, second])
    if kind == "rough":
        weights = weights + np.float32(1e-7)  # more digits than two bytes hold
    plain = convolution(weights)
    compact = store_weights_compactly(plain)
    np.testing.assert_array_equal(answer(compact, n_in), answer(plain, n_in))
    n_bytes = sum(
        len(tensor.raw_data) for tensor in compact.graph.initializer if "w" in tensor.name
    )
    share = {"first": 0.25, "inner": 0.25, "free": 0.5, "rough": 1.0}[kind]
    assert n_bytes == share * weights.nbytes
    has_mirror = any("mirror" in tensor.name for tensor in compact.graph.initializer)
    assert has_mirror == (kind in {"first", "inner"})
