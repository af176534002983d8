"""Trackers by name."""

from typing import Final

from emolens.core.errors import ConfigError
from emolens.core.ports import FaceTracker
from emolens.tracking.box_tracker import REFERENCE_RATE_HZ, BoxTracker
from emolens.tracking.library import trackers

TRACKER_NAMES: Final = ("bytetrack", "ocsort", "cbiou")
DEFAULT_TRACKER: Final = "bytetrack"

# A track survives this long without a detection, e.g. while a subject turns away.
DEFAULT_BUFFER_S: Final = 2.0
# The minimum score of a new track. emolens's detectors return scores of 0.5 and more; lower scores
# only continue tracks, as in the second stage of ByteTrack.
_NEW_TRACK_SCORE: Final = 0.5
# Boxes of a fast face overlap little between detections. Before matching, they are enlarged by this
# share of their size on every side. Source: docs/experiments/0009-tracking.md.
_BOX_BUFFER: Final = 0.3
_MIN_IOU: Final = 0.1


def check_tracker_name(name: str) -> None:
    """Check the name of a tracker.

    Raises:
        ConfigError: The name is unknown.
    """
    if name not in TRACKER_NAMES:
        raise ConfigError(f"unknown tracker {name!r}; allowed: {', '.join(TRACKER_NAMES)}")


def build_tracker(
    name: str = DEFAULT_TRACKER, *, buffer_s: float = DEFAULT_BUFFER_S
) -> FaceTracker:
    """Create a tracker.

    Args:
        name: One of `TRACKER_NAMES`.
        buffer_s: Maximum time without a detection after which a track keeps its id, in seconds.

    Raises:
        ConfigError: The name is unknown, or `buffer_s` is not positive and finite.

    Source:
        The package trackers (Apache-2.0): ByteTrack (Zhang et al. 2022), OC-SORT (Cao et al. 2023,
        "Observation-Centric SORT"), C-BIoU (Yang et al. 2023, "Hard to Track Objects with
        Irregular Motions and Similar Appearances").
    """
    check_tracker_name(name)
    if not 0 < buffer_s < float("inf"):
        raise ConfigError(f"buffer_s is {buffer_s}; allowed: above 0 s and finite")
    buffer = max(1, round(buffer_s * REFERENCE_RATE_HZ))
    tracker: trackers.ByteTrackTracker | trackers.OCSORTTracker | trackers.CBIoUTracker
    match name:
        case "bytetrack":
            tracker = trackers.ByteTrackTracker(
                lost_track_buffer=buffer,
                track_activation_threshold=_NEW_TRACK_SCORE,
                high_conf_det_threshold=_NEW_TRACK_SCORE,
                # A face with a single detection is dropped after two misses. If it is kept longer,
                # stale tracks of fast faces capture others: in the clip "sway fast" of
                # docs/experiments/0009-tracking.md, IDF1 drops from 0.97 to 0.45.
                minimum_consecutive_frames=1,
                minimum_iou_threshold=_MIN_IOU,
                iou=trackers.BIoU(_BOX_BUFFER),
            )
        case "ocsort":
            tracker = trackers.OCSORTTracker(
                lost_track_buffer=buffer,
                high_conf_det_threshold=_NEW_TRACK_SCORE,
                minimum_consecutive_frames=1,
                minimum_iou_threshold=_MIN_IOU,
                iou=trackers.BIoU(_BOX_BUFFER),
            )
        case _:
            tracker = trackers.CBIoUTracker(
                lost_track_buffer=buffer,
                track_activation_threshold=_NEW_TRACK_SCORE,
                high_conf_det_threshold=_NEW_TRACK_SCORE,
                minimum_consecutive_frames=1,
            )
    return BoxTracker(tracker, name=name, buffer_s=buffer_s)
