"""Clips of several shots with cuts between them, the ground truth for the detection of cuts."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError
from emolens.core.frame import Frame
from emolens.core.ports import SourceReport
from emolens.testing.sample_clip import collins, hopper
from emolens.testing.synthetic_source import SyntheticSource

Pixels = npt.NDArray[np.uint8]

_N_LEAVES: Final = 400
_MIN_RADIUS_PX: Final = 8.0
_MAX_RADIUS: Final = 0.4


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot of a clip.

    Attributes:
        draw: Maps a time since the start of the shot in seconds to uint8 (H, W, 3) BGR.
        duration_s: Its length in seconds.
    """

    draw: Callable[[float], Pixels]
    duration_s: float


class EditedSource:
    """A source that plays shots one after another, with cuts or dissolves between them.

    Implements `emolens.core.ports.FrameSource`.

    Args:
        shots: The shots, all of one size.
        rate_hz: Frames per second.
        dissolve_s: Duration of the dissolves in seconds; 0 cuts. A dissolve starts at the end of a
            shot, which stands still meanwhile.

    Raises:
        ConfigError: A number is out of range, or there is no shot.
    """

    def __init__(
        self, shots: Sequence[Shot], *, rate_hz: float = 25.0, dissolve_s: float = 0.0
    ) -> None:
        if not shots or rate_hz <= 0 or dissolve_s < 0:
            raise ConfigError(
                f"{len(shots)} shots, rate_hz is {rate_hz}, dissolve_s is {dissolve_s}; allowed: "
                "1 shot or more, a positive rate and 0 s or more"
            )
        self._shots = tuple(shots)
        self._rate_hz = rate_hz
        self._dissolve_s = dissolve_s
        starts = [0.0, *itertools.accumulate(shot.duration_s for shot in shots)]
        self._starts, self._n_frames = starts[:-1], round(starts[-1] * rate_hz)
        self._is_closed = False
        self.report = SourceReport(self._n_frames)

    @property
    def changes_s(self) -> list[float]:
        """Start of each shot but the first, in seconds."""
        return self._starts[1:]

    def interrupt(self) -> None:
        """Stop the iteration."""
        self._is_closed = True

    def __enter__(self) -> Self:
        self._is_closed = False
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupt()

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self._n_frames):
            if self._is_closed:
                return
            at_s = index / self._rate_hz
            yield Frame(self.draw(at_s), index=index, media_time_s=at_s, source_id="edited")

    def draw(self, at_s: float) -> Pixels:
        """Draw the frame at `at_s` seconds, uint8 (H, W, 3) BGR."""
        # A frame at the moment of a cut belongs to the new shot, also after rounding.
        number = int(np.searchsorted(self._starts, at_s + 1e-6, side="right")) - 1
        since_s = max(0.0, at_s - self._starts[number])
        image = self._shots[number].draw(since_s)
        if number == 0 or since_s >= self._dissolve_s:
            return image
        before = self._shots[number - 1]
        share = since_s / self._dissolve_s
        mixed = cv2.addWeighted(before.draw(before.duration_s), 1 - share, image, share, 0)
        return np.asarray(mixed, np.uint8)


def drawn_place(seed: int, *, size_wh: tuple[int, int] = (640, 360)) -> Pixels:
    """Draw a background of overlapping leaves.

    Args:
        seed: Seed of the random generator; another seed is another place.
        size_wh: (width, height) in pixels.

    Returns:
        uint8 (H, W, 3) BGR.

    Source:
        The dead leaves model has the statistics of photographs (Lee, Mumford and Huang 2001,
        "Occlusion Models for Natural Images").
    """
    rng = np.random.default_rng(seed)
    width, height = size_wh
    light = rng.integers(40, 215, 3)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = light
    for _ in range(_N_LEAVES):
        radius = min(_MAX_RADIUS * height, _MIN_RADIUS_PX * (1 - rng.random()) ** -0.7)
        color = np.clip(light + rng.normal(0, 50, 3), 0, 255).tolist()
        center = round(rng.uniform(0, width)), round(rng.uniform(0, height))
        axes = round(radius), round(radius * rng.uniform(0.4, 1.5))
        cv2.ellipse(image, center, axes, rng.uniform(0, 180), 0, 360, color, -1, cv2.LINE_AA)
    return image


def cut_clip(
    *,
    size_wh: tuple[int, int] = (640, 360),
    rate_hz: float = 25.0,
    shot_s: float = 2.0,
    n_shots: int = 3,
    dissolve_s: float = 0.0,
) -> EditedSource:
    """Create a clip that cuts from one subject to another at the same place of the image.

    Shots with odd numbers show Collins, the others Hopper, each in front of one background.

    Args:
        size_wh: (width, height) of the frames in pixels.
        rate_hz: Frames per second.
        shot_s: Length of each shot in seconds.
        n_shots: Number of shots.
        dissolve_s: Duration of the dissolves in seconds; 0 cuts.

    Raises:
        ConfigError: A number is out of range, or there is no shot.
    """
    width, height = size_wh
    place = width / 2, 0.55 * height, 0.45 * height

    scenes = [
        SyntheticSource(
            [portrait(lambda at_s: (place[0] + 8 * np.sin(2 * at_s), *place[1:]))],
            size_wh=size_wh,
            background=drawn_place(seed, size_wh=size_wh),
        )
        for seed, portrait in enumerate((collins, hopper))
    ]
    shots = [Shot(scenes[number % 2].draw, shot_s) for number in range(n_shots)]
    return EditedSource(shots, rate_hz=rate_hz, dissolve_s=dissolve_s)
