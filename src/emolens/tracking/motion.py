"""Motion of a face before it is lost, to match it with a new one."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from emolens.core.geometry import Box

# The time window of the motion estimate.
_HISTORY_S: Final = 1.2
# An occluded face is covered gradually before it is lost: its last boxes shrink and seem to stop.
# These boxes are excluded from the velocity.
_OCCLUSION_S: Final = 0.35
# Maximum distance from the predicted position in box sides: a constant, and an increase per second
# without a detection.
_MAX_DISTANCE: Final = 0.6
_MAX_DISTANCE_PER_S: Final = 0.4
_MAX_SIZE_RATIO: Final = 1.6


@dataclass(frozen=True, slots=True)
class _Position:
    at_s: float
    x: float
    y: float
    side: float


class Motion:
    """The recent positions of one face.

    Source:
        docs/experiments/0009-tracking.md.
    """

    def __init__(self) -> None:
        self._positions: deque[_Position] = deque()

    @property
    def is_empty(self) -> bool:
        """Whether the face has no positions yet."""
        return not self._positions

    def add(self, box: Box, at_s: float) -> None:
        """Add the box of a detection at `at_s` seconds."""
        x, y = box.center_xy
        self._positions.append(_Position(at_s, x, y, max(box.width, box.height, 1.0)))
        while at_s - self._positions[0].at_s > _HISTORY_S:
            self._positions.popleft()

    def distance(self, box: Box, at_s: float) -> float:
        """Return the distance of a new face at `at_s` seconds from the predicted position.

        Returns:
            The distance divided by the maximum distance; 1 or more means another face.
        """
        if not self._positions:
            return math.inf
        reliable = self._reliable_positions()
        last = reliable[-1]
        side = max(box.width, box.height, 1.0)
        if not 1 / _MAX_SIZE_RATIO < side / last.side < _MAX_SIZE_RATIO:
            return math.inf
        x, y = box.center_xy
        vx, vy = _velocity(reliable)
        elapsed_s = at_s - last.at_s
        # The face either kept its velocity or stopped where it was lost.
        moved = math.hypot(x - last.x - vx * elapsed_s, y - last.y - vy * elapsed_s)
        stayed = math.hypot(x - self._positions[-1].x, y - self._positions[-1].y)
        allowed = (_MAX_DISTANCE + _MAX_DISTANCE_PER_S * (at_s - self._positions[-1].at_s)) * side
        return min(moved, stayed) / allowed

    def _reliable_positions(self) -> list[_Position]:
        until_s = self._positions[-1].at_s - _OCCLUSION_S
        reliable = [position for position in self._positions if position.at_s <= until_s]
        return reliable if len(reliable) > 1 else list(self._positions)


def _velocity(positions: list[_Position]) -> tuple[float, float]:
    """Fit the velocity in x and y by least squares, in pixels per second."""
    at_s = np.array([position.at_s for position in positions])
    at_s = at_s - at_s.mean()
    spread = float(at_s @ at_s)
    if spread == 0:
        return 0.0, 0.0
    x = np.array([position.x for position in positions])
    y = np.array([position.y for position in positions])
    return float(at_s @ x) / spread, float(at_s @ y) / spread
