"""A detector by its name."""

import math
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError
from emolens.core.ports import FaceDetector
from emolens.detection import centerface, yunet
from emolens.detection.centerface import CenterFaceDetector
from emolens.detection.upright import CLOSE_UP_PX, UprightDetector
from emolens.detection.yunet import YuNetDetector
from emolens.runtime.catalogue import find_model

DETECTOR_NAMES: Final = ("centerface", "yunet")
DEFAULT_DETECTOR: Final = "centerface"
_MODEL_SUFFIX = ".onnx"
# The 4:3 input with the area of a close-up; its square sibling is `CLOSE_UP_PX` wide.
_CLOSE_UP_LONG_SIDE_PX: Final = math.ceil(CLOSE_UP_PX * math.sqrt(4 / 3))


def check_detector_name(name: str) -> None:
    """Raise `ConfigError` for a name that `build_detector` does not know."""
    if name not in DETECTOR_NAMES and not name.endswith(_MODEL_SUFFIX):
        raise ConfigError(
            f"unknown detector {name!r}; allowed: {', '.join(DETECTOR_NAMES)}, "
            "or the path of YuNet's .onnx file"
        )


def build_detector(
    name: str = DEFAULT_DETECTOR,
    *,
    min_score: float | None = None,
    long_side_px: int | None = None,
    n_threads: int = 1,
) -> FaceDetector:
    """Load a face detector that also tells how each face is rolled.

    Args:
        name: One of `DETECTOR_NAMES`, or the path of a copy of YuNet's file (`.onnx`).
        min_score: Faces below this score are left out; None takes the detector's own default.
        long_side_px: Longer side of the 4:3 input, 128 to 4096: more finds smaller faces and
            costs time with its square; None takes the detector's own default.
        n_threads: Threads one call may use; YuNet takes OpenCV's number for the whole process.

    Raises:
        ConfigError: An unknown name or an option out of range.
        ModelError: The detector's model file is missing or altered.
    """
    check_detector_name(name)
    detector = _load(name, min_score, long_side_px, n_threads)
    return UprightDetector(detector, detector.for_size(_CLOSE_UP_LONG_SIDE_PX))


def _load(
    name: str, min_score: float | None, long_side_px: int | None, n_threads: int
) -> CenterFaceDetector | YuNetDetector:
    match name:
        case "centerface":
            return CenterFaceDetector(
                min_score=centerface.DEFAULT_MIN_SCORE if min_score is None else min_score,
                long_side_px=(
                    centerface.DEFAULT_LONG_SIDE_PX if long_side_px is None else long_side_px
                ),
                n_threads=n_threads,
            )
        case _:
            return YuNetDetector(
                # A copy of the same file, for machines that cannot fetch it; no other is run.
                model=find_model("yunet", "detector").read(None if name == "yunet" else Path(name)),
                min_score=yunet.DEFAULT_MIN_SCORE if min_score is None else min_score,
                long_side_px=yunet.DEFAULT_LONG_SIDE_PX if long_side_px is None else long_side_px,
            )
