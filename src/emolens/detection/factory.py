"""A detector by its name."""

from typing import Final

from emolens.core.errors import ConfigError
from emolens.core.ports import FaceDetector
from emolens.detection.centerface import CenterFaceDetector
from emolens.detection.yunet import YuNetDetector

DETECTOR_NAMES: Final = ("centerface", "yunet")
DEFAULT_DETECTOR: Final = "centerface"


def build_detector(
    name: str = DEFAULT_DETECTOR,
    *,
    min_score: float | None = None,
    long_side_px: int | None = None,
    n_threads: int = 1,
) -> FaceDetector:
    """Load a face detector.

    Args:
        name: One of `DETECTOR_NAMES`.
        min_score: Faces below this score are left out; None takes the detector's own default.
        long_side_px: Longer side of the 4:3 input, 128 to 4096: more finds smaller faces and
            costs time with its square; None takes the detector's own default.
        n_threads: Threads one call may use.

    Raises:
        ConfigError: An unknown name or an option out of range.
        ModelError: The detector's model file is missing or altered.
    """
    options: dict[str, float | int] = {}
    match name:
        case "centerface":
            return CenterFaceDetector(**options)
        case "yunet":
            return YuNetDetector()
        case _:
            raise ConfigError(f"unknown detector {name!r}; allowed: {', '.join(DETECTOR_NAMES)}")
