"""Probabilities that follow an expression and not the noise of single frames."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import EmotionScores
from emolens.core.errors import ConfigError

# docs/experiments/0010-smoothing.md
DEFAULT_TAU_S: Final = 0.2


@dataclass(slots=True)
class _Level:
    probabilities: npt.NDArray[np.float64]
    at_s: float


class ExponentialSmoother:
    """Exponential moving average with a time constant, so that the frame rate does not matter.

    Implements `emolens.core.ports.ScoreSmoother`. New scores weigh `1 - exp(-dt / tau_s)`, dt being
    the seconds since the last ones of the same track; those of a long silence weigh nearly all.

    Args:
        tau_s: Time constant in seconds: 63 % of a sudden change are shown after it, 0 smooths
            nothing.

    Raises:
        ConfigError: `tau_s` is negative or not finite.
    """

    def __init__(self, tau_s: float = DEFAULT_TAU_S) -> None:
        if not 0 <= tau_s < math.inf:
            raise ConfigError(f"tau_s must be 0 or a positive number of seconds, got {tau_s}")
        self._tau_s = tau_s
        self._levels: dict[int, _Level] = {}

    def update(self, track_id: int, scores: EmotionScores, at_s: float) -> EmotionScores:
        """Take new scores of a track, made at `at_s` seconds, and return the smoothed ones.

        The first scores of a track are its first smoothed ones. Time that does not go on adds
        nothing; time that goes back starts the track anew.
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
        """Free what is kept about a track; an unknown one is no error."""
        self._levels.pop(track_id, None)

    def _weight(self, dt_s: float) -> float:
        return 1.0 if self._tau_s == 0 else -math.expm1(-dt_s / self._tau_s)
