import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import ConfigError, InputError, ModelError
from emolens.detection.centerface import CenterFaceDetector, decode, open_input_shape
from emolens.runtime.catalogue import find_model
from emolens.runtime.session import OnnxSession

pytestmark = pytest.mark.slow

Image = npt.NDArray[np.uint8]

OUTPUTS = ["537", "538", "539", "540"]


def test_decode_by_hand() -> None:
    heatmap = np.zeros((3, 4), np.float32)
    scale, offset = np.zeros((2, 3, 4), np.float32), np.zeros((2, 3, 4), np.float32)
    landmarks = np.zeros((10, 3, 4), np.float32)
    heatmap[1, 2] = 0.8
    scale[:, 1, 2] = np.log(5), np.log(2)  # 5 cells high, 2 wide
    offset[:, 1, 2] = 0.25, -0.5
    landmarks[:, 1, 2] = 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0
    found = decode(heatmap, scale, offset, landmarks, min_score=0.5)
    # Centre y = (1 + 0.5 + 0.25) * 4 = 7, x = (2 + 0.5 - 0.5) * 4 = 8; 20 high, 8 wide.
    np.testing.assert_allclose(found.boxes, [[4, -3, 12, 17]], rtol=1e-5)
    np.testing.assert_allclose(found.scores, [0.8])
    # y and x in turn, from the top left corner, in heights and widths.
    expected = np.array([[5.6, -1], [7.2, 3], [8.8, 7], [10.4, 11], [12, 15]])
    np.testing.assert_allclose(found.landmarks[0], expected, rtol=1e-5)


def test_decode_keeps_the_rows_of_several_faces_together() -> None:
    heatmap = np.array([[0.9, 0.1], [0.2, 0.6]], np.float32)
    landmarks = np.arange(40, dtype=np.float32).reshape(10, 2, 2)
    zeros = np.zeros((2, 2, 2), np.float32)
    found = decode(heatmap, zeros, zeros, landmarks, min_score=0.5)
    np.testing.assert_allclose(found.boxes, [[0, 0, 4, 4], [4, 4, 8, 8]])
    np.testing.assert_allclose(found.scores, [0.9, 0.6])
    np.testing.assert_allclose(found.landmarks[:, 0], [[16, 0], [4 + 28, 4 + 12]])


def test_decode_of_an_image_without_faces_is_empty() -> None:
    zeros = np.zeros((10, 2, 2), np.float32)
    found = decode(zeros[0], zeros[:2], zeros[:2], zeros, min_score=0.5)
    assert found.boxes.shape == (0, 4)
    assert found.landmarks.shape == (0, 5, 2)


def test_the_opened_file_computes_what_opencv_computes_from_the_original(
    astronaut: Image,
) -> None:
    """OpenCV ignores the declared input size, so it is an independent reading of the same file."""
    content = find_model("centerface", "detector").read()
    session = OnnxSession(open_input_shape(content), name="centerface")
    for image in (astronaut, astronaut[:224, 100:452]):
        blob = np.asarray(cv2.dnn.blobFromImage(image), np.float32)
        # A new one each time: OpenCV's answer is off after the input changes its size.
        network = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        network.setInput(blob)
        expected = network.forward(OUTPUTS)
        for ours, theirs in zip(session.run({"input.1": blob}, OUTPUTS), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_open_input_shape_keeps_the_length() -> None:
    content = find_model("centerface", "detector").read()
    assert len(open_input_shape(content)) == len(content)


@pytest.mark.parametrize("n_copies", [0, 2])
def test_open_input_shape_refuses_another_model(n_copies: int) -> None:
    shape = bytes.fromhex("0a02080a0a0208030a0208200a020820")
    with pytest.raises(ModelError, match=f"{n_copies} times, expected once"):
        open_input_shape(b"onnx" + shape * n_copies)


def test_a_larger_input_finds_smaller_faces(astronaut: Image) -> None:
    face = cv2.resize(astronaut[20:240, 110:330], (36, 36))
    image = np.full((960, 1280, 3), 127, np.uint8)
    image[300:336, 700:736] = face
    assert CenterFaceDetector(long_side_px=640).detect(image) == []
    assert len(CenterFaceDetector(long_side_px=1280).detect(image)) == 1


def test_min_score_leaves_faces_out(astronaut: Image) -> None:
    assert CenterFaceDetector(min_score=0.99).detect(astronaut) == []


def test_refuses_options_out_of_range() -> None:
    with pytest.raises(ConfigError, match="min_score"):
        CenterFaceDetector(min_score=1.5)
    with pytest.raises(ConfigError, match="long_side_px"):
        CenterFaceDetector(long_side_px=10)
    with pytest.raises(InputError, match="n_threads"):
        CenterFaceDetector(n_threads=0)
