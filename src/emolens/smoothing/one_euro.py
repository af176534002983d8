"""Box smoothing with the 1-euro filter: little jitter at rest, little lag in motion."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.geometry import Box

# The unit of length is a box side, so one setting serves near and far faces. The values are a
# manual trade-off between jitter and lag (section 3 of the paper). At rest, a cutoff of 1 Hz hides
# the detector's jitter. At v sides per second, the lag is v / (2 pi (1 + 4 v)) sides, or 3 % of a
# side at one side per second.
_MIN_CUTOFF_HZ: Final = 1.0
_BETA: Final = 4.0
# The paper's value for the cutoff of the speed.
_SPEED_CUTOFF_HZ: Final = 1.0
# The maximum extrapolation; a speed does not predict the position any longer.
_MAX_AHEAD_S: Final = 0.25
# Smaller time differences are too short to estimate a speed.
_LEAST_STEP_S: Final = 1e-3

_Edges = npt.NDArray[np.float64]


class OneEuroBox:
    """A 1-euro filter for the four edges of one face's box.

    Source:
        Casiez, Roussel, Vogel 2012, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy
        Input in Interactive Systems", CHI, equations 1 to 6.
    """

    def __init__(self, box: Box, at_s: float) -> None:
        self._edges: _Edges = np.array(box.to_tuple())
        self._measured = self._edges
        self._speed: _Edges = np.zeros(4)
        self._at_s = at_s

    def update(self, box: Box, at_s: float) -> Box:
        """Add the measured box at `at_s` seconds and return the smoothed box, in pixels."""
        measured = np.array(box.to_tuple())
        dt_s = at_s - self._at_s
        if dt_s < _LEAST_STEP_S:
            return self.predict(at_s)
        # Use the speed of the measured box, because the smoothed box lags.
        speed = (measured - self._measured) / dt_s
        self._measured = measured
        self._speed += _weight(_SPEED_CUTOFF_HZ, dt_s) * (speed - self._speed)
        side = max(box.width, box.height, 1.0)
        cutoff = _MIN_CUTOFF_HZ + _BETA * np.abs(self._speed) / side
        self._edges = self._edges + _weight(cutoff, dt_s) * (measured - self._edges)
        self._at_s = at_s
        return _to_box(self._edges)

    def predict(self, at_s: float) -> Box:
        """Extrapolate the smoothed box to `at_s` seconds, in pixels."""
        ahead_s = min(max(at_s - self._at_s, 0.0), _MAX_AHEAD_S)
        return _to_box(self._edges + ahead_s * self._speed)


def _weight(cutoff_hz: float | _Edges, dt_s: float) -> _Edges:
    # Equations 5 and 6: alpha = 1 / (1 + tau / dt), tau = 1 / (2 pi cutoff).
    return np.asarray(1 / (1 + 1 / (2 * math.pi * np.asarray(cutoff_hz) * dt_s)))


def _to_box(edges: _Edges) -> Box:
    x_min, y_min, x_max, y_max = edges.tolist()
    return Box(min(x_min, x_max), min(y_min, y_max), max(x_min, x_max), max(y_min, y_max))
