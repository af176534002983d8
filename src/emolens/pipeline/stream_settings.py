"""How often a stream is searched and named, and when it starts anew."""

import math
from dataclasses import dataclass
from typing import Self

from emolens.core.errors import ConfigError
from emolens.detection import usual_side_px


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How often what is done, and when a stream starts anew.

    Attributes:
        detect_hz: How often in a second of the stream frames are searched for faces, half as often
            while the faces there keep about still; None for every frame. In between, each known
            face is looked at where it is expected.
        classify_hz: How often in a second each face is named; None for every time that it is seen.
        detect_share: The part of real time that looking may take, 0..1; None for no limit, which
            makes results the same whenever and wherever they are made.
        classify_share: The same for naming.
        max_gap_s: After a longer pause between two frames the faces before it are forgotten.
        min_confidence: A label whose own smoothed probability is below this is not shown, 0..1.
        detector_px: Longer side of what the detector sees of a 4:3 frame, 128 to 16384; beyond
            1280 in tiles. None takes the detector's usual side, 640, or for CenterFace under a
            `detect_share` 320, whatever the size of a frame, so that large frames cost no more;
            what is left out so stands in the first result's `warnings`.
    """

    detect_hz: float | None = 10.0
    classify_hz: float | None = 10.0
    detect_share: float | None = None
    classify_share: float | None = None
    max_gap_s: float = 2.0
    min_confidence: float = 0.0
    detector_px: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.max_gap_s <= math.inf:
            raise ConfigError(f"max_gap_s must be positive, got {self.max_gap_s}")
        if not 0 <= self.min_confidence <= 1:
            raise ConfigError(f"min_confidence must be 0..1, got {self.min_confidence}")

    @classmethod
    def for_live(cls) -> Self:
        """Settings that leave time for the frames in between, on any machine."""
        return cls(detect_share=0.5, classify_share=0.4)

    def search_px(self, detector: str) -> int:
        """The longer side of what a detector of that name sees of a 4:3 frame."""
        if self.detector_px is not None:
            return self.detector_px
        return usual_side_px(detector, is_live=self.detect_share is not None)
