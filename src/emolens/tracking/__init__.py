"""Identities that stay: which face of this frame is which face of the frames before."""

from emolens.tracking.box_tracker import BoxTracker
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
    "build_tracker",
    "check_tracker_name",
]
