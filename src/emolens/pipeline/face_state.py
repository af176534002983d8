"""The current state of one track of a stream."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.face import FaceDetection, FaceQuality, FaceResult
from emolens.core.frame import Frame
from emolens.core.geometry import Box
from emolens.smoothing import OneEuroBox

# While followed faces are nearly still and apart, a tracker cannot confuse them
# (docs/experiments/0009-tracking.md).
_STILL_IOU: Final = 0.5
_APART_SIDES: Final = 2.0


@dataclass(slots=True)
class FaceState:
    """The current state of one track.

    Attributes:
        track_id: Number of the track.
        box: Smoothed box.
        detection: The last detection or localization.
        detected_at_s: Time of the last detection in seconds.
        detected_box: Box of the last detection, as opposed to following.
        quality: Quality at the last classification, or None before it.
        raw: Scores of the last classification, or None before it.
        smoothed: Smoothed scores, or None if the face was never assessable.
        label: The class to display, or None if emolens abstains.
        scored_at_s: Time of the last classification in seconds.
    """

    track_id: int
    box: OneEuroBox
    detection: FaceDetection
    detected_at_s: float
    detected_box: Box | None = None
    quality: FaceQuality | None = None
    raw: EmotionScores | None = None
    smoothed: EmotionScores | None = None
    label: Emotion | None = None
    scored_at_s: float = 0.0

    @property
    def is_still(self) -> bool:
        """Whether the face is near the box of its last detection."""
        box = self.detected_box
        return box is not None and box.iou(self.detection.box) >= _STILL_IOU

    def to_result(self, frame: Frame, *, is_detected: bool) -> FaceResult | None:
        """Return the result in a frame, or None if the face is unclassified or has left the image.

        Args:
            frame: The frame.
            is_detected: Whether the detector ran on this frame.
        """
        if self.raw is None or self.quality is None:
            return None
        at_s = frame.media_time_s
        box = self.box.predict(at_s).clip(frame.size_wh)
        if box.area == 0:
            return None
        return FaceResult(
            box=box,
            detection_score=self.detection.score if is_detected else None,
            quality=self.quality,
            raw=self.raw,
            smoothed=self.smoothed,
            label=self.label,
            track_id=self.track_id,
            scores_age_s=at_s - self.scored_at_s,
            roll_degrees=self.detection.roll_degrees,
        )


def are_still_and_apart(states: Sequence[FaceState]) -> bool:
    """Return whether there are faces, all near their last detection and far from each other."""
    boxes = [state.detection.box for state in states]
    return (
        bool(boxes)
        and all(state.is_still for state in states)
        and all(_are_apart(one, other) for one, other in itertools.combinations(boxes, 2))
    )


def _are_apart(one: Box, other: Box) -> bool:
    """Return whether two faces are too far apart to occlude each other soon."""
    side = max(one.width, one.height, other.width, other.height)
    return math.dist(one.center_xy, other.center_xy) >= _APART_SIDES * side
