"""A tracker by its name."""

from typing import Final

from emolens.core.errors import ConfigError
from emolens.core.ports import FaceTracker
from emolens.tracking.box_tracker import REFERENCE_RATE_HZ, BoxTracker
from emolens.tracking.library import trackers

TRACKER_NAMES: Final = ("bytetrack", "ocsort", "cbiou")
DEFAULT_TRACKER: Final = "bytetrack"

# How long a face may stay unseen and keep its number: someone who turns away for a moment.
DEFAULT_BUFFER_S: Final = 2.0
# Detectors give faces from 0.5 on. One that is given fainter ones finds them used to keep a track
# alive only: the second stage of ByteTrack.
_NEW_TRACK_SCORE: Final = 0.5
# docs/experiments/0009-tracking.md: boxes of a fast face overlap little from look to look, so they
# are made larger by this part of their size on every side before they are compared.
_LARGER: Final = 0.3
_MIN_IOU: Final = 0.1


def check_tracker_name(name: str) -> None:
    """Raise `ConfigError` for a name that `build_tracker` does not know."""
    if name not in TRACKER_NAMES:
        raise ConfigError(f"unknown tracker {name!r}; allowed: {', '.join(TRACKER_NAMES)}")


def build_tracker(
    name: str = DEFAULT_TRACKER, *, buffer_s: float = DEFAULT_BUFFER_S
) -> FaceTracker:
    """Make a tracker.

    Args:
        name: One of `TRACKER_NAMES`.
        buffer_s: Seconds that a face may stay unseen and keep its number.

    Raises:
        ConfigError: An unknown name, or a buffer that is not positive.

    Source:
        The package trackers (Apache-2.0): ByteTrack (Zhang et al. 2022), OC-SORT (Cao et al. 2023,
        "Observation-Centric SORT"), C-BIoU (Yang et al. 2023, "Hard to Track Objects with
        Irregular Motions and Similar Appearances").
    """
    check_tracker_name(name)
    if not 0 < buffer_s < float("inf"):
        raise ConfigError(f"buffer_s must be a positive number of seconds, got {buffer_s}")
    buffer = max(1, round(buffer_s * REFERENCE_RATE_HZ))
    found: trackers.ByteTrackTracker | trackers.OCSORTTracker | trackers.CBIoUTracker
    match name:
        case "bytetrack":
            found = trackers.ByteTrackTracker(
                lost_track_buffer=buffer,
                track_activation_threshold=_NEW_TRACK_SCORE,
                high_conf_det_threshold=_NEW_TRACK_SCORE,
                # A face that was seen in one look only is forgotten when it is missed twice. Kept
                # longer, what is left of fast faces takes the place of others: in the clip "sway
                # fast" of docs/experiments/0009-tracking.md IDF1 falls from 0.97 to 0.45.
                minimum_consecutive_frames=1,
                minimum_iou_threshold=_MIN_IOU,
                iou=trackers.BIoU(_LARGER),
            )
        case "ocsort":
            found = trackers.OCSORTTracker(
                lost_track_buffer=buffer,
                high_conf_det_threshold=_NEW_TRACK_SCORE,
                minimum_consecutive_frames=1,
                minimum_iou_threshold=_MIN_IOU,
                iou=trackers.BIoU(_LARGER),
            )
        case _:
            found = trackers.CBIoUTracker(
                lost_track_buffer=buffer,
                track_activation_threshold=_NEW_TRACK_SCORE,
                high_conf_det_threshold=_NEW_TRACK_SCORE,
                minimum_consecutive_frames=1,
            )
    return BoxTracker(found, name=name)
