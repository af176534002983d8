"""Label hysteresis, against flicker between classes with similar probabilities."""

import math
from dataclasses import dataclass
from typing import Final

from emolens.core.description import Description
from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import ConfigError

# docs/experiments/0010-smoothing.md
DEFAULT_MARGIN: Final = 0.1
DEFAULT_PATIENCE_S: Final = 0.5


@dataclass(slots=True)
class _Shown:
    emotion: Emotion
    challenger: Emotion
    since_s: float


class LabelHysteresis:
    """A filter that keeps a label until another class leads clearly or for long enough.

    Args:
        margin: Lead in probability at which another class replaces the label immediately, 0 to 1.
        patience_s: Time in seconds after which a smaller lead also replaces the label.

    Raises:
        ConfigError: `margin` or `patience_s` is out of range.
    """

    def __init__(
        self, *, margin: float = DEFAULT_MARGIN, patience_s: float = DEFAULT_PATIENCE_S
    ) -> None:
        if not 0 <= margin <= 1:
            raise ConfigError(f"margin is {margin}; allowed: 0 to 1")
        if not 0 <= patience_s < math.inf:
            raise ConfigError(f"patience_s is {patience_s}; allowed: 0 s or more, finite")
        self._margin = margin
        self._patience_s = patience_s
        self._shown: dict[int, _Shown] = {}

    @property
    def description(self) -> Description:
        """The margin in probability and the patience in seconds."""
        return {
            "hysteresis_margin": self._margin,
            "hysteresis_patience_s": self._patience_s,
        }

    def update(self, track_id: int, scores: EmotionScores, at_s: float) -> Emotion:
        """Add the smoothed scores of a track at `at_s` seconds and return its label.

        A step back in time resets the track.
        """
        top = scores.top
        shown = self._shown.get(track_id)
        if shown is None or at_s < shown.since_s:
            shown = self._shown[track_id] = _Shown(top, top, at_s)
        if top != shown.challenger:
            shown.challenger, shown.since_s = top, at_s
        if top != shown.emotion and self._is_replaced(shown, scores, at_s):
            shown.emotion = top
        return shown.emotion

    def forget(self, track_id: int) -> None:
        """Free the state of a track. Unknown tracks are ignored."""
        self._shown.pop(track_id, None)

    def _is_replaced(self, shown: _Shown, scores: EmotionScores, at_s: float) -> bool:
        lead = scores.confidence - scores[shown.emotion]
        return lead >= self._margin or at_s - shown.since_s >= self._patience_s
