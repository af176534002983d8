"""Clips of two people in the public domain, moving on paths that are known."""

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

# Where their faces are in the images, as CenterFace sees them, in pixels.
_COLLINS_FACE: Final = Box(181, 60, 271, 179)
_HOPPER_FACE: Final = Box(178, 121, 355, 333)
# How much of the image around the face belongs to an actor, in parts of the face.
_MARGIN: Final = 0.5

Place = Callable[[float], tuple[float, float, float] | None]


def collins(path: Place) -> Actor:
    """The astronaut Eileen Collins, whose apparent expression is happy, on a path."""
    return _actor(sample_image(), _COLLINS_FACE, path)


def hopper(path: Place) -> Actor:
    """Rear Admiral Grace Hopper, whose apparent expression is neutral, on a path."""
    return _actor(second_sample_image(), _HOPPER_FACE, path)


def crossing_clip(
    *, size_wh: tuple[int, int] = (640, 480), rate_hz: float = 30.0, duration_s: float = 6.0
) -> SyntheticSource:
    """Both walk from one side to the other and pass each other; Hopper in front.

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
    """So many faces side by side, each swaying a little.

    Args:
        n_faces: 0 to 64.
        size_wh: (width, height) of the frames in pixels.
        rate_hz: Frames per second.
        duration_s: Length in seconds; `math.inf` never ends.
        is_live: Gives each frame at its time and not before.

    Raises:
        ConfigError: A number is out of range.
    """
    if not 0 <= n_faces <= 64:
        raise ConfigError(f"a crowd has 0 to 64 faces, got {n_faces}")
    n_columns = max(1, math.ceil(math.sqrt(n_faces * size_wh[0] / size_wh[1])))
    n_rows = max(1, math.ceil(n_faces / n_columns))
    cell_wh = size_wh[0] / n_columns, size_wh[1] / n_rows
    side = 0.7 * min(*cell_wh, 0.8 * min(size_wh))

    def sway(number: int, at_s: float) -> tuple[float, float, float]:
        row, column = divmod(number, n_columns)
        x = (column + 0.5) * cell_wh[0] + 0.05 * side * math.sin(2 * at_s + number)
        return x, (row + 0.5) * cell_wh[1] + 0.03 * side * math.cos(1.5 * at_s + number), side

    who = (collins, hopper)
    actors = [who[number % 2](partial(sway, number)) for number in range(n_faces)]
    return SyntheticSource(
        actors, size_wh=size_wh, rate_hz=rate_hz, duration_s=duration_s, is_live=is_live
    )


def _actor(portrait: Path, face: Box, path: Place) -> Actor:
    image = read_image(portrait).image
    around = face.pad(_MARGIN).clip((image.shape[1], image.shape[0]))
    x_min, y_min, x_max, y_max = map(round, around.to_tuple())
    inside = Box(face.x_min - x_min, face.y_min - y_min, face.x_max - x_min, face.y_max - y_min)
    return Actor(np.ascontiguousarray(image[y_min:y_max, x_min:x_max]), path, inside)
