"""Faces in a picture: one class per detector, chosen by name."""

from emolens.detection.centerface import CenterFaceDetector
from emolens.detection.factory import (
    DEFAULT_DETECTOR,
    DETECTOR_NAMES,
    build_detector,
    check_detector_name,
)
from emolens.detection.yunet import YuNetDetector

__all__ = [
    "DEFAULT_DETECTOR",
    "DETECTOR_NAMES",
    "CenterFaceDetector",
    "YuNetDetector",
    "build_detector",
    "check_detector_name",
]
