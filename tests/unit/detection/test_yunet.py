import os
import signal
import sys

import numpy as np
import pytest

from emolens.core.errors import ModelError
from emolens.detection.yunet import YuNetDetector, read_faces


@pytest.fixture
def bright_spot_model() -> bytes:
    """A network with YuNet's outputs that takes every bright 8x8 patch for a face of 8x8."""
    onnx = pytest.importorskip("onnx")
    make_node, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    nodes, constants, outputs = [], [], []
    for stride in (8, 16, 32):
        for kind, channels in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            name = f"{kind}_{stride}"
            weight = np.zeros((channels, 3, stride, stride), np.float32)
            if stride == 8 and channels == 1:
                weight[:] = 1 / (3 * 64 * 255)
            bias = np.zeros(channels, np.float32)
            if kind == "bbox":
                bias[:2] = 0.5  # the centre of the cell
            if kind == "kps":
                bias[:] = np.array([1, 2, 5, 2, 3, 4, 2, 6, 4, 6], np.float32) / 8
            constants += [tensor(weight, f"{name}_w"), tensor(bias, f"{name}_b")]
            constants += [tensor(np.array([1, -1, channels]), f"{name}_s")]
            nodes += [
                make_node(
                    "Conv",
                    ["input", f"{name}_w", f"{name}_b"],
                    [f"{name}_c"],
                    kernel_shape=[stride, stride],
                    strides=[stride, stride],
                ),
                make_node("Transpose", [f"{name}_c"], [f"{name}_t"], perm=[0, 2, 3, 1]),
                make_node("Reshape", [f"{name}_t", f"{name}_s"], [name]),
            ]
            outputs.append(onnx.helper.make_tensor_value_info(name, 1, [1, None, channels]))
    picture = onnx.helper.make_tensor_value_info("input", 1, [1, 3, "h", "w"])
    graph = onnx.helper.make_graph(nodes, "bright_spot", [picture], outputs, constants)
    opsets = [onnx.helper.make_opsetid("", 13)]
    content: bytes = onnx.helper.make_model(graph, opset_imports=opsets).SerializeToString()
    return content


def test_boxes_and_landmarks_come_back_in_pixels_of_the_picture(bright_spot_model: bytes) -> None:
    detector = YuNetDetector(model=bright_spot_model)
    picture = np.zeros((480, 1280, 3), np.uint8)
    # Fits 736x416 at 0.575; the patch of 8x8 input pixels is centred on (368, 212) there.
    x, y = (364 / 0.575, (208 - 70) / 0.575)
    cell = 8 / 0.575
    left, top = round(x - 4 / 0.575 + cell / 2), round(y)
    picture[top - 2 : top + 17, left - 16 : left + 32] = 255
    faces = detector.detect(picture)
    assert faces
    for face in faces:
        assert face.box.width == pytest.approx(cell, rel=0.02)
        assert face.landmarks is not None
        inside = face.landmarks - [face.box.x_min, face.box.y_min]
        expected = np.array([[1, 2], [5, 2], [3, 4], [2, 6], [4, 6]]) * cell / 8
        np.testing.assert_allclose(inside, expected, atol=0.2)
        assert left - 40 < face.box.center_xy[0] < left + 60
        assert top - 20 < face.box.center_xy[1] < top + 40


def test_pictures_of_changing_shape(bright_spot_model: bytes) -> None:
    detector = YuNetDetector(model=bright_spot_model)
    for shape in ((480, 640, 3), (640, 480, 3), (1, 1, 3), (480, 640, 3)):
        assert detector.detect(np.zeros(shape, np.uint8)) == []


@pytest.mark.skipif(sys.platform == "win32", reason="processes are never forked there")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_process_detects_though_another_thread_was_detecting(
    bright_spot_model: bytes,
) -> None:
    detector = YuNetDetector(model=bright_spot_model)
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[100:140, 200:240] = 255
    n_faces = len(detector.detect(picture))
    with detector._lock:  # as it would be held by that thread
        pid = os.fork()
        if not pid:
            signal.alarm(10)
            os._exit(0 if len(detector.detect(picture)) == n_faces > 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_read_faces_turns_sizes_into_corners() -> None:
    row = np.arange(15, dtype=np.float32)[None]
    found = read_faces(row)
    np.testing.assert_array_equal(found.boxes, [[0, 1, 2, 4]])
    np.testing.assert_array_equal(found.landmarks[0], [[4, 5], [6, 7], [8, 9], [10, 11], [12, 13]])
    np.testing.assert_array_equal(found.scores, [14])
    np.testing.assert_array_equal(row, np.arange(15)[None])


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(ModelError, match="yunet: not a model that OpenCV can load"):
        YuNetDetector(model=b"not a model")
