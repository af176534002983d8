"""Face tracking: the same track id for a face from frame to frame."""

from emolens.tracking.box_tracker import BoxTracker
from emolens.tracking.cuts import CutDetector
from emolens.tracking.factory import (
    DEFAULT_TRACKER,
    TRACKER_NAMES,
    build_tracker,
    check_tracker_name,
)

__all__ = [
    "DEFAULT_TRACKER",
    "TRACKER_NAMES",
    "BoxTracker",
    "CutDetector",
    "build_tracker",
    "check_tracker_name",
]
