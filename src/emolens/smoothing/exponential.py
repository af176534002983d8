"""Exponential smoothing of class probabilities."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.description import Description
from emolens.core.emotion import EmotionScores
from emolens.core.errors import ConfigError

# docs/experiments/0010-smoothing.md
DEFAULT_TAU_S: Final = 0.2


@dataclass(slots=True)
class _Level:
    probabilities: npt.NDArray[np.float64]
    at_s: float


class ExponentialSmoother:
    """An exponential moving average with a time constant, independent of the frame rate.

    Implements `emolens.core.ports.ScoreSmoother`. The weight of new scores is
    `1 - exp(-dt / tau_s)`, with dt the time in seconds since the previous scores of the track.

    Args:
        tau_s: Time constant in seconds, after which the average reaches 63 % of a step change.
            0 disables smoothing.

    Raises:
        ConfigError: `tau_s` is negative or not finite.
    """

    def __init__(self, tau_s: float = DEFAULT_TAU_S) -> None:
        if not 0 <= tau_s < math.inf:
            raise ConfigError(f"tau_s is {tau_s}; allowed: 0 s or more, finite")
        self._tau_s = tau_s
        self._levels: dict[int, _Level] = {}

    @property
    def description(self) -> Description:
        """The time constant in seconds."""
        return {"smoothing_tau_s": self._tau_s}

    def update(self, track_id: int, scores: EmotionScores, at_s: float) -> EmotionScores:
        """Add the scores of a track at `at_s` seconds and return the smoothed scores.

        The first scores of a track are returned unchanged. Scores at the same time as the previous
        ones are ignored. A step back in time resets the track.
        """
        level = self._levels.get(track_id)
        new = scores.probabilities.astype(np.float64)
        if level is None or at_s < level.at_s:
            level = self._levels[track_id] = _Level(new, at_s)
        else:
            weight = self._weight(at_s - level.at_s)
            level.probabilities += weight * (new - level.probabilities)
            level.at_s = at_s
        return EmotionScores(np.asarray(level.probabilities, np.float32))

    def forget(self, track_id: int) -> None:
        """Free the state of a track. Unknown tracks are ignored."""
        self._levels.pop(track_id, None)

    def _weight(self, dt_s: float) -> float:
        return 1.0 if self._tau_s == 0 else -math.expm1(-dt_s / self._tau_s)
