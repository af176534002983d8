"""Face detectors, selected by name."""

from emolens.detection.centerface import CenterFaceDetector
from emolens.detection.factory import (
    DEFAULT_DETECTOR,
    DETECTOR_NAMES,
    DetectorModels,
    assemble_detector,
    build_detector,
    check_detector_name,
    check_detector_px,
    load_detector,
    load_detector_models,
    resolve_detector_name,
    usual_side_px,
)
from emolens.detection.landmarks import LandmarkDetector, moved_to
from emolens.detection.sideways import SidewaysDetector
from emolens.detection.tiles import TiledDetector, detection_warnings
from emolens.detection.yunet import YuNetDetector

__all__ = [
    "DEFAULT_DETECTOR",
    "DETECTOR_NAMES",
    "CenterFaceDetector",
    "DetectorModels",
    "LandmarkDetector",
    "SidewaysDetector",
    "TiledDetector",
    "YuNetDetector",
    "assemble_detector",
    "build_detector",
    "check_detector_name",
    "check_detector_px",
    "detection_warnings",
    "factory",
    "load_detector",
    "load_detector_models",
    "moved_to",
    "resolve_detector_name",
    "usual_side_px",
]
