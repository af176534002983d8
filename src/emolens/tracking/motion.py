"""How a face moved before it went out of sight, and whether a new one can be it."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from emolens.core.geometry import Box

# How far back a movement is looked at.
_HISTORY_S: Final = 1.2
# A face that goes behind another one is cut off little by little before it is lost: its last boxes
# shrink and seem to stop. They say nothing about how it moved.
_SPOILT_S: Final = 0.35
# How far off the expected place a face may come back, in box sides, at once and for each second
# out of sight.
_MAX_DISTANCE: Final = 0.6
_MAX_DISTANCE_PER_S: Final = 0.4
_MAX_SIZE_RATIO: Final = 1.6


@dataclass(frozen=True, slots=True)
class _Place:
    at_s: float
    x: float
    y: float
    side: float


class Motion:
    """The recent places of one face.

    docs/experiments/0009-tracking.md tells what it brings.
    """

    def __init__(self) -> None:
        self._places: deque[_Place] = deque()

    @property
    def is_empty(self) -> bool:
        """Whether the face was never seen."""
        return not self._places

    def add(self, box: Box, at_s: float) -> None:
        """Note where the face was seen."""
        x, y = box.center_xy
        self._places.append(_Place(at_s, x, y, max(box.width, box.height, 1.0)))
        while at_s - self._places[0].at_s > _HISTORY_S:
            self._places.popleft()

    def distance(self, box: Box, at_s: float) -> float:
        """How unlikely it is that a face that appears at `at_s` seconds is this one.

        Returns:
            The distance from the expected place over the one allowed: 1 or more rules it out.
        """
        if not self._places:
            return math.inf
        sound = self._sound_places()
        last = sound[-1]
        side = max(box.width, box.height, 1.0)
        if not 1 / _MAX_SIZE_RATIO < side / last.side < _MAX_SIZE_RATIO:
            return math.inf
        x, y = box.center_xy
        vx, vy = _velocity(sound)
        since_s = at_s - last.at_s
        # It went on as before, or stayed where it was when it was lost.
        moved = math.hypot(x - last.x - vx * since_s, y - last.y - vy * since_s)
        stayed = math.hypot(x - self._places[-1].x, y - self._places[-1].y)
        allowed = (_MAX_DISTANCE + _MAX_DISTANCE_PER_S * (at_s - self._places[-1].at_s)) * side
        return min(moved, stayed) / allowed

    def _sound_places(self) -> list[_Place]:
        until_s = self._places[-1].at_s - _SPOILT_S
        sound = [place for place in self._places if place.at_s <= until_s]
        return sound if len(sound) > 1 else list(self._places)


def _velocity(places: list[_Place]) -> tuple[float, float]:
    """Pixels per second in x and y: a straight line through the places (least squares)."""
    at_s = np.array([place.at_s for place in places])
    at_s = at_s - at_s.mean()
    spread = float(at_s @ at_s)
    if spread == 0:
        return 0.0, 0.0
    x = np.array([place.x for place in places])
    y = np.array([place.y for place in places])
    return float(at_s @ x) / spread, float(at_s @ y) / spread
