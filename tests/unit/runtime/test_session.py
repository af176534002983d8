import numpy as np
import pytest

from emolens.core.errors import InputError, ModelError
from emolens.runtime.catalogue import find_model
from emolens.runtime.session import OnnxSession, inference_devices


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(ModelError, match="mine: the file is not a valid ONNX model"):
        OnnxSession(b"text", name="mine")


def test_threads_must_be_positive() -> None:
    with pytest.raises(InputError, match="n_threads"):
        OnnxSession(b"", name="mine", n_threads=0)


def test_outputs_come_in_the_order_asked_for() -> None:
    session = OnnxSession(find_model("default", "emotion").read(), name="default")
    faces = np.zeros((2, 1, 48, 48), np.float32)
    cam, logits = session.run({session.input_names[0]: faces}, ["cam", "logits"])
    assert logits.shape == (2, 7)
    assert cam.shape[:2] == (2, 7)
    assert logits.dtype == cam.dtype == np.float32


def test_the_device_really_used_is_told() -> None:
    assert inference_devices() == ("CPUExecutionProvider",)


@pytest.fixture
def without_weights() -> bytes:
    """y = Conv(x, w) with w (2, 1, 1, 1) declared as external data."""
    onnx = pytest.importorskip("onnx")
    value, tensor = onnx.helper.make_tensor_value_info, onnx.TensorProto(name="w", data_type=1)
    tensor.dims.extend([2, 1, 1, 1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    place = tensor.external_data.add()
    place.key, place.value = "location", "nowhere"
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "w"], ["y"])],
        "scaling",
        [value("x", 1, [1, 1, "h", "w"])],
        [value("y", 1, [1, 2, "h", "w"])],
        [tensor],
    )
    opsets = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def scaled(session: OnnxSession) -> list[float]:
    (y,) = session.run({"x": np.ones((1, 1, 1, 1), np.float32)}, ["y"])
    return list(map(float, y.ravel()))


def test_weights_that_a_model_lacks_are_given_to_it(without_weights: bytes) -> None:
    weight = np.array([2, 3], np.float32).reshape(2, 1, 1, 1)
    assert scaled(OnnxSession(without_weights, name="mine", weights={"w": weight})) == [2, 3]


def test_weights_outlive_the_array_they_came_in(without_weights: bytes) -> None:
    weight = np.array([2, 3], np.float32).reshape(2, 1, 1, 1)
    session = OnnxSession(without_weights, name="mine", weights={"w": weight})
    weight[:] = 0
    assert scaled(session) == [2, 3]
    session.start_anew()
    assert scaled(session) == [2, 3]


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"w": np.ones((3, 1, 1, 1), np.float32)},
        {"w": np.ones((2, 1, 1, 1), np.float32), "v": np.ones(1, np.float32)},
    ],
)
def test_other_weights_are_refused(
    without_weights: bytes, weights: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
) -> None:
    with pytest.raises(ModelError, match="mine: the file is not a valid ONNX model"):
        OnnxSession(without_weights, name="mine", weights=weights)
