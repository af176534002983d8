"""YuNet: a very small detector, run by OpenCV itself."""

import threading
from typing import Final, Self, cast

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import ModelError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Framing
from emolens.detection.candidates import Candidates, check_score, to_detections
from emolens.detection.letterbox import check_picture, choose_size, input_sizes, letterbox
from emolens.runtime.catalogue import find_model
from emolens.runtime.forks import keep_for_ever, watch_forks

# Source: OpenCV Zoo's own wrapper of the model (score 0.6, overlap 0.3, at most 5000 candidates).
DEFAULT_MIN_SCORE: Final = 0.6
_MAX_IOU = 0.3
_MAX_CANDIDATES = 5000
DEFAULT_LONG_SIDE_PX: Final = 640
# Not measured yet; CenterFace's figure stands in, as for the framing below.
SMALLEST_FACE_PX: Final = 29.0

# Not measured yet: the model file is not shipped. YuNet learnt the same boxes as CenterFace (WIDER
# FACE), so CenterFace's figures stand in; `docs/experiments/framing.py --detector yunet` measures
# them. Source: docs/experiments/0001-framing.md.
YUNET_FRAMING: Final = Framing(shift_x=-0.006, shift_y=-0.015, scale=1.057)

# Columns of FaceDetectorYN's table: x, y, width, height, five points (x, y), score.
_BOX = slice(0, 4)
_LANDMARKS = slice(4, 14)
_SCORE = 14


class YuNetDetector:
    """Finds faces with YuNet on OpenCV's own network code.

    Calls from several threads wait for each other: OpenCV's networks keep state during a call.
    OpenCV has one number of threads for the whole process, so there is no option for it.

    Args:
        min_score: Faces below this score are left out.
        long_side_px: Longer side of the 4:3 input (see `emolens.detection.letterbox.input_sizes`).
        model: Bytes of a YuNet file; None takes the one of the catalogue, whose digest is checked.

    Raises:
        ConfigError: An option out of range.
        ModelError: The model file is missing, altered or no YuNet model.

    Source:
        Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
        Research 20 (2023); the weights are those of OpenCV Zoo (MIT).
    """

    def __init__(
        self,
        *,
        min_score: float = DEFAULT_MIN_SCORE,
        long_side_px: int = DEFAULT_LONG_SIDE_PX,
        model: bytes | None = None,
    ) -> None:
        check_score(min_score)
        self._sizes = input_sizes(long_side_px)
        self._lock = threading.Lock()
        # Bytes, not a path, so that what was checked is what runs.
        content = find_model(self.name, "detector").read() if model is None else model
        self._model = np.frombuffer(content, np.uint8)
        self._min_score = min_score
        self._networks = {self._sizes[0]: self._load(self._sizes[0])}
        watch_forks(self)

    def start_anew(self) -> None:
        """Load the networks again, in a process that was forked."""
        keep_for_ever(self._networks)
        self._networks = {}
        self._lock = threading.Lock()

    def _load(self, size_wh: tuple[int, int]) -> cv2.FaceDetectorYN:
        no_config = np.empty(0, np.uint8)
        try:
            return cv2.FaceDetectorYN.create(
                "onnx", self._model, no_config, size_wh, self._min_score, _MAX_IOU, _MAX_CANDIDATES
            )
        except cv2.error as error:
            raise ModelError(f"yunet: not a model that OpenCV can load: {error.err}") from error

    def for_size(self, long_side_px: int) -> Self:
        """The same detector with another input size."""
        return type(self)(
            min_score=self._min_score, long_side_px=long_side_px, model=self._model.tobytes()
        )

    @property
    def name(self) -> str:
        """`"yunet"`."""
        return "yunet"

    @property
    def framing(self) -> Framing:
        """How FER2013 frames a face, in units of this detector's boxes."""
        return YUNET_FRAMING

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
        size_wh = choose_size(picture_wh, self._sizes)
        boxed = letterbox(image, size_wh)
        with self._lock:
            # One network per input size: OpenCV 4.14 computes something else after a network's
            # input has changed its size (seen with CenterFace's file, up to 0.58 in the heat map).
            if size_wh not in self._networks:
                self._networks[size_wh] = self._load(size_wh)
            # OpenCV gives no table where there is no face, which its stub does not tell.
            faces = cast(
                "npt.NDArray[np.float32] | None", self._networks[size_wh].detect(boxed.image)[1]
            )
        if faces is None:
            return []
        return to_detections(read_faces(faces).to_picture(boxed), picture_wh)


def read_faces(faces: npt.NDArray[np.float32]) -> Candidates:
    """Read OpenCV's table of faces.

    Args:
        faces: float32 (N, 15): x, y, width, height, right eye, left eye, nose, right and left
            mouth corner (the subject's), score.

    Source:
        OpenCV, documentation of `cv::FaceDetectorYN::detect`.
    """
    boxes = faces[:, _BOX].copy()
    boxes[:, 2:] += boxes[:, :2]
    return Candidates(boxes, faces[:, _SCORE], faces[:, _LANDMARKS].reshape(-1, 5, 2))
