"""Rates and limits of stream analysis."""

import math
from dataclasses import dataclass
from typing import Self

from emolens.core.errors import ConfigError
from emolens.detection import usual_side_px
from emolens.pipeline.confidence import check_min_confidence


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Rates and limits of stream analysis.

    Attributes:
        detect_hz: Detections per second of stream time, halved while the faces are nearly still.
            None runs a full detection in every frame. Between detections, known faces are followed
            at their expected positions.
        classify_hz: Classifications of each face per second of stream time. None classifies a face
            whenever it is visible.
        detect_share: Maximum share of real time for detection, above 0 to 1. None sets no limit,
            which makes results reproducible.
        classify_share: Maximum share of real time for classification, above 0 to 1, or None.
        cuts: Whether to detect cuts. All tracks end at a cut, and `FrameResult.shot` increases.
        max_gap_s: A longer pause between two frames, in seconds, resets all tracks.
        min_confidence: Minimum smoothed probability of a shown label, 0 to 1.
        detector_px: Longer side of the detector's input for a 4:3 frame in pixels, 128 to 16384;
            tiled above 1280. None uses the detector's default, 640, or 320 for CenterFace with a
            `detect_share`. The default does not depend on the frame size, so the cost of large
            frames is constant. The first result's `warnings` state which faces are too small.
    """

    detect_hz: float | None = 10.0
    classify_hz: float | None = 10.0
    detect_share: float | None = None
    classify_share: float | None = None
    cuts: bool = True
    max_gap_s: float = 2.0
    min_confidence: float = 0.0
    detector_px: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.max_gap_s <= math.inf:
            raise ConfigError(f"max_gap_s is {self.max_gap_s}; allowed: above 0 s")
        check_min_confidence(self.min_confidence)

    @classmethod
    def for_live(cls) -> Self:
        """Create settings for live sources, with limited shares of real time on any computer."""
        return cls(detect_share=0.5, classify_share=0.4)

    def resolve_detector_px(self, detector: str) -> int:
        """Return the longer side of a detector's input for a 4:3 frame, in pixels.

        Args:
            detector: Name of the detector.
        """
        if self.detector_px is not None:
            return self.detector_px
        return usual_side_px(detector, is_live=self.detect_share is not None)
