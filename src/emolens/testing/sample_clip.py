"""Clips with two public-domain portraits that move on known paths."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from emolens.core.errors import ConfigError
from emolens.core.geometry import Box
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image, second_sample_image
from emolens.testing.synthetic_source import Actor, SyntheticSource

# The boxes of the faces as detected by CenterFace, in pixels.
_COLLINS_FACE: Final = Box(181, 60, 271, 179)
_HOPPER_FACE: Final = Box(178, 121, 355, 333)
# Margin around the face of an actor, relative to the box of the face.
_MARGIN: Final = 0.5

Place = Callable[[float], tuple[float, float, float] | None]


def collins(path: Place) -> Actor:
    """Create an actor of the astronaut Eileen Collins, whose apparent expression is happy."""
    return _actor(sample_image(), _COLLINS_FACE, path)


def hopper(path: Place) -> Actor:
    """Create an actor of Rear Admiral Grace Hopper, whose apparent expression is neutral."""
    return _actor(second_sample_image(), _HOPPER_FACE, path)


def crossing_clip(
    *, size_wh: tuple[int, int] = (640, 480), rate_hz: float = 30.0, duration_s: float = 6.0
) -> SyntheticSource:
    """Create a clip in which both cross the frame in opposite directions, Hopper in front.

    Raises:
        ConfigError: A number is out of range.
    """
    width, height = size_wh
    y, side = height / 2, 0.4 * min(size_wh)

    def walk(from_x: float, to_x: float, at_s: float) -> tuple[float, float, float]:
        x = from_x + (to_x - from_x) * at_s / max(duration_s, 1e-9)
        return x, y + 0.02 * height * math.sin(3 * at_s + from_x), side

    left, right = 0.18 * width, 0.82 * width
    actors = [collins(partial(walk, left, right)), hopper(partial(walk, right, left))]
    return SyntheticSource(actors, size_wh=size_wh, rate_hz=rate_hz, duration_s=duration_s)


def crowd_clip(
    n_faces: int,
    *,
    size_wh: tuple[int, int] = (640, 480),
    rate_hz: float = 30.0,
    duration_s: float = 2.0,
    is_live: bool = False,
) -> SyntheticSource:
    """Create a clip of swaying faces in a grid.

    Args:
        n_faces: Number of faces, 0 to 64.
        size_wh: (width, height) of the frames in pixels.
        rate_hz: Frames per second.
        duration_s: Length in seconds; `math.inf` never ends.
        is_live: Whether each frame is yielded at its time, as by a camera.

    Raises:
        ConfigError: A number is out of range.
    """
    if not 0 <= n_faces <= 64:
        raise ConfigError(f"n_faces is {n_faces}; allowed: 0 to 64")
    n_columns = max(1, math.ceil(math.sqrt(n_faces * size_wh[0] / size_wh[1])))
    n_rows = max(1, math.ceil(n_faces / n_columns))
    cell_wh = size_wh[0] / n_columns, size_wh[1] / n_rows
    side = 0.7 * min(*cell_wh, 0.8 * min(size_wh))

    def sway(number: int, at_s: float) -> tuple[float, float, float]:
        row, column = divmod(number, n_columns)
        x = (column + 0.5) * cell_wh[0] + 0.05 * side * math.sin(2 * at_s + number)
        return x, (row + 0.5) * cell_wh[1] + 0.03 * side * math.cos(1.5 * at_s + number), side

    portraits = (collins, hopper)
    actors = [portraits[number % 2](partial(sway, number)) for number in range(n_faces)]
    return SyntheticSource(
        actors, size_wh=size_wh, rate_hz=rate_hz, duration_s=duration_s, is_live=is_live
    )


def _actor(portrait: Path, face: Box, path: Place) -> Actor:
    image = read_image(portrait).image
    around = face.pad(_MARGIN).clip((image.shape[1], image.shape[0]))
    x_min, y_min, x_max, y_max = map(round, around.to_tuple())
    inside = Box(face.x_min - x_min, face.y_min - y_min, face.x_max - x_min, face.y_max - y_min)
    return Actor(np.ascontiguousarray(image[y_min:y_max, x_min:x_max]), path, inside)
