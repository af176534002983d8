"""Labels that change when an expression does and not when two classes are nearly level."""

import math
from dataclasses import dataclass
from typing import Final

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
    """Keeps a track's label until another class is clearly ahead, or ahead for long enough.

    Args:
        margin: How far ahead of the shown class another one must be to replace it at once, 0..1.
        patience_s: Seconds after which it replaces it without that margin.

    Raises:
        ConfigError: `margin` or `patience_s` is out of range.
    """

    def __init__(
        self, *, margin: float = DEFAULT_MARGIN, patience_s: float = DEFAULT_PATIENCE_S
    ) -> None:
        if not 0 <= margin <= 1:
            raise ConfigError(f"margin must be 0..1, got {margin}")
        if not 0 <= patience_s < math.inf:
            raise ConfigError(f"patience_s must be 0 or a positive number, got {patience_s}")
        self._margin = margin
        self._patience_s = patience_s
        self._shown: dict[int, _Shown] = {}

    def update(self, track_id: int, scores: EmotionScores, at_s: float) -> Emotion:
        """Take a track's smoothed scores of `at_s` seconds and return the label to show.

        Time that goes back starts the track anew.
        """
        top = scores.top
        shown = self._shown.get(track_id)
        if shown is None or at_s < shown.since_s:
            shown = self._shown[track_id] = _Shown(top, top, at_s)
        if top != shown.challenger:
            shown.challenger, shown.since_s = top, at_s
        if top != shown.emotion and self._is_over(shown, scores, at_s):
            shown.emotion = top
        return shown.emotion

    def forget(self, track_id: int) -> None:
        """Free what is kept about a track; an unknown one is no error."""
        self._shown.pop(track_id, None)

    def _is_over(self, shown: _Shown, scores: EmotionScores, at_s: float) -> bool:
        lead = scores.confidence - float(scores.probabilities[shown.emotion])
        return lead >= self._margin or at_s - shown.since_s >= self._patience_s
